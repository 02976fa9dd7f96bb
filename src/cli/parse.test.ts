import { describe, expect, test } from 'vitest';
import { FLAG_NAMES } from './flags.ts';
import { parse, parseAgentRun } from './parse.ts';
import { VERBS } from './verbs.ts';

/** The call as plain data: `null` is the agent itself. */
function said(args: readonly string[]) {
  const agent = parseAgentRun(args);
  if (agent !== null) return { verb: null, config: agent.text('config'), logLevel: agent.text('log-level') };
  const parsed = parse(args, VERBS);
  if (!parsed.ok) return { refused: parsed.reason };
  const flags = FLAG_NAMES.flatMap((name) => {
    const value = parsed.flags.text(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return { verb: parsed.verb.name, args: parsed.args, flags: Object.fromEntries(flags) };
}

const run = (config?: string, logLevel?: string) => ({ verb: null, config, logLevel });

describe('the agent is run', () => {
  test.each([
    [[]],
    [['--']],
    [['-version=false']],
  ])('without a verb: %j', (args) => {
    expect(said(args)).toEqual(run());
  });

  test.each([
    [['--config=/a']],
    [['--config', '/a']],
    [['-config=/a']],
    [['-config', '/a']],
    [['--config', '/b', '-config', '/a']],
  ])('with a file, in the style of Go and of GNU: %j', (args) => {
    expect(said(args)).toEqual(run('/a'));
  });

  test.each([
    [['--log-level', 'DEBUG']],
    [['-log-level', 'DEBUG']],
    [['-log-level=DEBUG']],
  ])('with a level: %j', (args) => {
    expect(said(args)).toEqual(run(undefined, 'DEBUG'));
  });

  test('with a file whose name begins with a dash', () => {
    expect(said(['-config', '-odd'])).toEqual(run('-odd'));
  });
});

test.each([[['--version']], [['-version']], [['version']], [['-version=true']], [['--config=/a', '--version']]])(
  'the version is asked for: %j',
  (args) => {
    expect(said(args)).toMatchObject({ verb: 'version', args: [] });
  },
);

test.each([
  [['--help'], []],
  [['-help'], []],
  [['-h'], []],
  [['help'], []],
  [['help', 'bootstrap'], ['bootstrap']],
  [['bootstrap', '--help'], ['bootstrap']],
  [['--config', '/a', 'show', '-h'], ['show']],
])('help is asked for: %j', (args, words) => {
  expect(said(args)).toMatchObject({ verb: 'help', args: words });
});

test.each([
  [['bootstrap', '--master', 'redis1']],
  [['bootstrap', '-master=redis1']],
  [['--master=redis1', 'bootstrap']],
])('bootstrap takes the name of the master: %j', (args) => {
  expect(said(args)).toEqual({ verb: 'bootstrap', args: [], flags: { master: 'redis1' } });
});

test('a verb has a second name, words and switches', () => {
  expect(said(['topology', 'cache', '--json', '-zk=a,b'])).toEqual({
    verb: 'show',
    args: ['cache'],
    flags: { zk: 'a,b', json: 'true' },
  });
});

test.each([
  [['--confg', 'x'], 'unknown flag --confg, did you mean --config?'],
  [['-loglevel=x'], 'unknown flag --loglevel, did you mean --log-level?'],
  [['-x'], 'unknown flag -x'],
  [['--config'], '--config needs a value'],
  [['--config='], '--config needs a value'],
  [['--config', '--version'], '--config needs a value'],
  [['-version=maybe'], '--version takes no value'],
  [['bootstap'], 'unknown command "bootstap", did you mean bootstrap?'],
  [['\u001b[2J'], 'unknown command "\\u001b[2J"'],
  [['bootstrap', 'redis1'], 'unexpected argument "redis1"'],
  [['bootstrap'], 'bootstrap needs --master NAME'],
  [['bootstrap', '--master', 'a', '--log-level', 'INFO'], '--log-level does not belong to bootstrap'],
  [['--master', 'redis1'], '--master does not belong here'],
])('%j is refused', (args, refused) => {
  expect(said(args)).toEqual({ refused });
});

test('every verb has a name of its own, a summary and an example that parses as this verb', () => {
  const names = VERBS.flatMap(({ name, alias }) => (alias === undefined ? [name] : [name, alias]));
  expect(new Set(names).size).toBe(names.length);
  for (const { name, summary, examples, args, argsMin } of VERBS) {
    expect(summary, name).not.toMatch(/\.$/);
    expect(args === '' ? 0 : 1, name).toBeGreaterThanOrEqual(Math.min(1, argsMin));
    expect(examples.length, name).toBeGreaterThan(0);
    for (const example of examples) {
      const words = example.split(' | ')[0]!.split(' > ')[0]!.split(' ');
      expect(words[0], example).toBe('dictator');
      expect(said(words.slice(1)), example).toMatchObject({ verb: name });
    }
  }
});
