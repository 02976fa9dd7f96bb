/** The pages that list what is in tables of the code list exactly that, in that order and in those words. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { KEY_NAMES, envNameOf, keyOf } from '../config/keys.ts';
import type { Key } from '../config/keys.ts';
import { formatFault } from '../config/faults.ts';
import { loadConfig } from '../config/load.ts';
import { isImplemented } from '../config/schemas.ts';
import { ERRORS, EXIT } from '../contract/errors.ts';
import { EVENT_NAMES } from '../contract/events.ts';
import { HEALTH_FAULTS } from '../contract/health.ts';
import { REASONS } from '../contract/reasons.ts';
import { HTTP_ERRORS } from '../http/errors.ts';
import { PATHS } from '../http/routes.ts';
import { EVENT_LEVELS } from '../log/event-levels.ts';
import { FINDINGS } from './doctor/findings.ts';
import { FLAGS } from './flags.ts';
import type { Flag } from './flags.ts';
import { PROBLEMS } from './problems.ts';
import { SITUATIONS } from './situations.ts';
import type { Verb } from './verb.ts';
import { VERBS } from './verbs.ts';
import { usageOf } from './verbs/help.ts';

const pageOf = (name: string): string =>
  readFileSync(path.join(import.meta.dirname, '../../docs', `${name}.md`), 'utf8');

/** Rows of all tables of a page, headings left out, as lists of cells. */
const rowsOf = (page: string): string[][] =>
  page
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.slice(2, -2).split(' | '));

/** The text under each heading of one level. */
function sectionsOf(page: string, marks: string): [string, string][] {
  return page
    .split(new RegExp(`^${marks} `, 'm'))
    .slice(1)
    .map((section) => {
      const end = section.indexOf('\n');
      return [section.slice(0, end), (section.slice(end).split(/^## /m)[0] ?? '').trim()];
    });
}

describe('configuration.md', () => {
  const defaultOf = ({ default: value, defaultText }: Key): string => {
    if (defaultText !== undefined) return defaultText;
    return value === null ? 'none' : `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
  };

  test('lists every key with its variable, default and meaning', () => {
    const now = KEY_NAMES.filter((name) => isImplemented(name)).map((name) => {
      return [`\`${name}\``, `\`${envNameOf(name)}\``, defaultOf(keyOf(name)), keyOf(name).meaning];
    });
    const later = KEY_NAMES.filter((name) => !isImplemented(name)).map((name) => {
      return [`\`${name}\``, defaultOf(keyOf(name)), keyOf(name).meaning];
    });
    expect(rowsOf(pageOf('configuration'))).toEqual([...now, ...later]);
  });

  test('shows faults as they are really printed', () => {
    const loaded = loadConfig({
      file: 'dictator.conf',
      env: { DICTATOR_NODE_PRIORITY: '-1' },
      readFile: () => ({ ok: true, text: '{"svcname": "a", "node": {"port": "x"}}', othersMayRead: false }),
    });
    const faults = loaded.ok ? [] : loaded.faults.map((fault) => `  ${formatFault(fault)}`);
    const shown = [`dictator: ${ERRORS.config_invalid.what} (config_invalid)`, ...faults];
    expect(pageOf('configuration')).toContain(`\n${shown.join('\n')}\n`);
  });
});

test('events.md lists every event with its level', () => {
  const sections = sectionsOf(pageOf('events'), '###');
  expect(sections.map(([event, text]) => [event, text.split(':')[0]])).toEqual(
    EVENT_NAMES.map((event) => [event, EVENT_LEVELS[event]]),
  );
  for (const [event, text] of sections) expect(text, event).toMatch(/^[A-Z]+: [A-Z][^\n]*\.$/);
});

test('reasons.md has every reason with what was found and what to do', () => {
  const expected = Object.entries(REASONS).map(([code, { what, next }]) => [code, `${what}\n\nNext: ${next}`]);
  expect(sectionsOf(pageOf('reasons'), '##')).toEqual(expected);
});

describe('http.md', () => {
  const [, paths = '', checks = ''] = pageOf('http').split('\n## ');

  test('has every path with its methods', () => {
    const listed = rowsOf(paths).flatMap(([names = '', methods]) => {
      return names.split(', ').map((name) => [name.replaceAll('`', ''), methods]);
    });
    expect(listed).toEqual(PATHS.map(([name, methods]) => [name, methods === 'any' ? 'any' : methods.join(', ')]));
  });

  test('has every word that a check says', () => {
    const listed = rowsOf(checks).filter(([word]) => word?.startsWith('`/') === false);
    expect(listed).toEqual(Object.entries(HEALTH_FAULTS).map(([fault, what]) => [`\`${fault}\``, what]));
  });
});

test('errors.md has every error of the command line and of HTTP', () => {
  const ofCli = Object.entries(ERRORS).map(([code, { what, next, exitCode }]) => {
    return [code, `${what} Exit code ${exitCode}.\n\nNext: ${next}`];
  });
  const ofHttp = Object.entries(HTTP_ERRORS).map(([code, { message, next, status }]) => {
    return [code, `${message} Status ${status}.\n\nNext: ${next}`];
  });
  expect(sectionsOf(pageOf('errors'), '###')).toEqual([...ofCli, ...ofHttp]);
  for (const exitCode of Object.values(EXIT)) expect(pageOf('errors')).toMatch(new RegExp(`[ :,] ${exitCode} \\w`));
});

describe('cli.md', () => {
  const page = pageOf('cli');
  const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();
  const rowsBelow = (heading: string): string[][] => rowsOf(page.split(`\n${heading}\n`)[1]?.split('\n## ')[0] ?? '');

  /** What must stand about a verb; more may follow. */
  function opening(verb: Verb): string {
    const { alias, summary, details, flags } = verb;
    const usage = `\`dictator ${usageOf(verb)}\`${alias === undefined ? '' : `, also \`dictator ${alias}\``}`;
    const options = flags.length === 0 ? [] : [`Options: ${flags.map((name) => `\`--${name}\``).join(', ')}.`];
    return oneLine([usage, `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`, ...details, ...options].join(' '));
  }

  test('has every verb, in the order of help, with its usage, summary, details and options', () => {
    const sections = sectionsOf(page, '###');
    expect(sections.map(([name]) => name)).toEqual(VERBS.map(({ name }) => name));
    for (const [index, [name, text]] of sections.entries()) {
      const expected = opening(VERBS[index]!);
      expect(oneLine(text).slice(0, expected.length), name).toBe(expected);
    }
  });

  test('has every option', () => {
    const expected = Object.entries<Flag>(FLAGS).map(([name, { value, meaning }]) => {
      return [`\`--${name}${value === null ? '' : ` ${value}`}\``, meaning];
    });
    expect(rowsBelow('**Options.**')).toEqual(expected);
  });

  test('has every problem, situation and finding', () => {
    expect(rowsBelow('## Problems')).toEqual(Object.entries(PROBLEMS).map(([code, what]) => [`\`${code}\``, what]));
    const situations = Object.entries(SITUATIONS).map(([code, { severity, what, next }]) => {
      return [`\`${code}\``, severity, what, next];
    });
    expect(rowsBelow('## Situations')).toEqual(situations);
    const findings = Object.entries(FINDINGS).map(([code, { severity, what, fix }]) => {
      return [`\`${code}\``, severity, what, fix];
    });
    expect(rowsBelow('## Findings')).toEqual(findings);
  });
});
