import { describe, expect, test } from 'vitest';
import { parse } from './parse.ts';

const run = (config?: string, logLevel?: string) => ({ ok: true, command: { verb: 'run', config, logLevel } });

describe('the agent is run', () => {
  test.each([
    [[]],
    [['--']],
    [['-version=false']],
  ])('without a verb: %j', (args) => {
    expect(parse(args)).toEqual(run());
  });

  test.each([
    [['--config=/a']],
    [['--config', '/a']],
    [['-config=/a']],
    [['-config', '/a']],
    [['--config', '/b', '-config', '/a']],
  ])('with a file, in the style of Go and of GNU: %j', (args) => {
    expect(parse(args)).toEqual(run('/a'));
  });

  test.each([
    [['--log-level', 'DEBUG']],
    [['-log-level', 'DEBUG']],
    [['-log-level=DEBUG']],
  ])('with a level: %j', (args) => {
    expect(parse(args)).toEqual(run(undefined, 'DEBUG'));
  });

  test('with a file whose name begins with a dash', () => {
    expect(parse(['-config', '-odd'])).toEqual(run('-odd'));
  });
});

test.each([[['--version']], [['-version']], [['version']], [['-version=true']], [['--config=/a', '--version']]])(
  'the version is asked for: %j',
  (args) => {
    expect(parse(args)).toEqual({ ok: true, command: { verb: 'version' } });
  },
);

test.each([[['--help']], [['-help']], [['-h']], [['help']], [['help', 'bootstrap']], [['bootstrap', '--help']]])(
  'help is asked for: %j',
  (args) => {
    expect(parse(args)).toEqual({ ok: true, command: { verb: 'help' } });
  },
);

test.each([
  [['bootstrap', '--master', 'redis1']],
  [['bootstrap', '-master=redis1']],
  [['--master=redis1', 'bootstrap']],
])('bootstrap takes the name of the master: %j', (args) => {
  expect(parse(args)).toEqual({ ok: true, command: { verb: 'bootstrap', config: undefined, master: 'redis1' } });
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
])('%j is refused', (args, reason) => {
  expect(parse(args)).toEqual({ ok: false, reason });
});
