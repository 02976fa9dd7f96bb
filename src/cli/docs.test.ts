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
import { REASONS } from '../contract/reasons.ts';
import { HTTP_ERRORS } from '../http/errors.ts';
import { EVENT_LEVELS } from '../log/event-levels.ts';

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
