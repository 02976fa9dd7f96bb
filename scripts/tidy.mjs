/**
 * House rules that neither the compiler nor the linter knows, checked over every committed or new file.
 *
 *   node scripts/tidy.mjs [--root DIR]      one line per finding, exit code 1 when there is any
 *
 * To add a rule write one function into CHECKS: it takes the files (path, text, lines) and the root, and yields
 * `{ path, line, message }`. To exempt something put one line with its reason into EXEMPT; a line there that exempts
 * nothing any more is a finding itself.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transform } from 'esbuild';

const LINE_LENGTH_MAX = 120;

/** Exemptions: which rule, which file, and why that is right. */
const EXEMPT = [
  { check: 'todo', path: 'scripts/tidy.mjs', because: 'it names what it looks for' },
  ...['todo', 'focused-tests', 'silent-catch'].map((check) => (
    { check, path: 'test/e2e/tidy.test.ts', because: 'it breaks each rule on purpose' }
  )),
];

const TEXT = new Set(['.ts', '.mjs', '.js', '.sh', '.md', '.json', '.yml', '.conf', '.service', '.txt', '.in', '']);
const CODE = new Set(['.ts', '.mjs', '.js']);
const LONG_LINES_MATTER = new Set(['.ts', '.mjs', '.js', '.sh', '.md']);

function* eachLine(files, extensions, find) {
  for (const file of files) {
    if (!extensions.has(extname(file.path))) continue;
    for (const [index, line] of file.lines.entries()) {
      const message = find(line, file);
      if (message !== undefined) yield { path: file.path, line: index + 1, message };
    }
  }
}

/** In prose a table row and a link cannot be broken over lines; everything else can. */
function mayBeLong(line, path) {
  if (extname(path) !== '.md') return false;
  return line.trimStart().startsWith('|') || /\]\([^)]*\)|https?:\/\/|^\[[^\]]+\]:/.test(line);
}

function* lineLength(files) {
  yield* eachLine(files, LONG_LINES_MATTER, (line, { path }) => {
    const length = [...line].length;
    if (length <= LINE_LENGTH_MAX || mayBeLong(line, path)) return undefined;
    return `${length} characters, at most ${LINE_LENGTH_MAX}`;
  });
}

function* whitespace(files) {
  yield* eachLine(files, TEXT, (line, { path }) => {
    if (/[ \t]+$/.test(line)) return 'whitespace at the end of the line';
    if (line.includes('\r')) return 'carriage return';
    return CODE.has(extname(path)) && line.includes('\t') ? 'tab' : undefined;
  });
  for (const { path, text } of files) {
    if (TEXT.has(extname(path)) && text !== '' && !text.endsWith('\n')) {
      yield { path, line: text.split('\n').length, message: 'no newline at the end of the file' };
    }
  }
}

function* todo(files) {
  yield* eachLine(files, TEXT, (line, { path }) => {
    if (path === 'package-lock.json') return undefined;
    const found = /\b(TODO|FIXME|XXX|HACK)\b/.exec(line);
    return found === null ? undefined : `${found[1]}: do it, or file an issue`;
  });
}

/** A test that is left out, or that leaves out all others, looks green and proves nothing. */
function* focusedTests(files) {
  yield* eachLine(files, CODE, (line) => {
    const found = /\b(?:test|it|describe)\.(only|skip|todo|fails)\b/.exec(line);
    return found === null ? undefined : `test left out or focused (.${found[1]})`;
  });
}

/** An operating error is a value, or a comment on the line before says which one is ignored and why. */
function* silentCatch(files) {
  const silent = /\bcatch\s*(\([^)]*\))?\s*\{\s*\}|\.catch\(\s*\(\w*\)\s*=>\s*(undefined|null|\{\s*\})\s*\)/g;
  for (const { path, text } of files) {
    if (!CODE.has(extname(path))) continue;
    for (const found of text.matchAll(silent)) {
      const line = text.slice(0, found.index).split('\n').length;
      if (/^\s*(\/\/|\*)/.test(text.split('\n')[line - 2] ?? '')) continue;
      yield { path, line, message: 'error swallowed: handle it, or name it and say why it may be ignored' };
    }
  }
}

/** A file opens by saying what it is and what its reader should learn. */
function* openingComment(files) {
  for (const { path, text } of files) {
    if (!['.ts', '.mjs'].includes(extname(path)) || path.endsWith('.test.ts')) continue;
    if (!/^(#!.*\n)?\s*(\/\*|\/\/)/.test(text)) yield { path, line: 1, message: 'no opening comment' };
  }
}

/** Where packages come from is the reader's business: an address in the lock file binds everybody to one registry. */
function* lockFile(files) {
  const lock = files.find(({ path }) => path === 'package-lock.json');
  if (lock === undefined) return;
  const line = lock.lines.findIndex((text) => /"resolved": "https?:/.test(text));
  if (line < 0) return;
  yield { path: lock.path, line: line + 1, message: 'registry address: use npm i --omit-lockfile-registry-resolved' };
}

/** Loads a TypeScript module that imports nothing at run time, as all of src/contract does. */
async function load(root, path) {
  const { code } = await transform(readFileSync(join(root, path), 'utf8'), { loader: 'ts', format: 'esm' });
  return import(`data:text/javascript;base64,${Buffer.from(code).toString('base64')}`);
}

/** Compares a closed list in the code with the headings (`### code`) of the page that explains it. */
async function* listAgreesWithPage(root, { source, names, page }) {
  if (!existsSync(join(root, source)) || !existsSync(join(root, page))) return;
  const listed = new Set(names(await load(root, source)));
  const headings = readFileSync(join(root, page), 'utf8').split('\n')
    .map((text, index) => ({ name: /^#{2,4} `?([a-z0-9]+(?:_[a-z0-9]+)*)`?\s*$/.exec(text)?.[1], line: index + 1 }))
    .filter(({ name }) => name !== undefined);
  const explained = new Set(headings.map(({ name }) => name));
  for (const name of listed) {
    if (!explained.has(name)) yield { path: page, line: 1, message: `${name} is not explained` };
  }
  for (const { name, line } of headings) {
    if (!listed.has(name)) yield { path: page, line, message: `${name} is not in ${source}` };
  }
}

async function* reasonsPage(_files, root) {
  const source = 'src/contract/reasons.ts';
  yield* listAgreesWithPage(root, { source, names: (module) => Object.keys(module.REASONS), page: 'docs/reasons.md' });
}

async function* eventsPage(_files, root) {
  const source = 'src/contract/events.ts';
  yield* listAgreesWithPage(root, { source, names: (module) => module.EVENT_NAMES, page: 'docs/events.md' });
}

const CHECKS = {
  'line-length': lineLength,
  whitespace,
  todo,
  'focused-tests': focusedTests,
  'silent-catch': silentCatch,
  'opening-comment': openingComment,
  'lock-file': lockFile,
  'reasons-page': reasonsPage,
  'events-page': eventsPage,
};

const GENERATED = new Set(['node_modules', 'dist', '.tools', '.cache', '.git', 'coverage']);

function* walk(root, folder = '') {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    if (GENERATED.has(entry.name)) continue;
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* walk(root, path);
    else if (entry.isFile()) yield path;
  }
}

/** What git knows or would add; all but generated folders where the tree is no checkout. */
function listPaths(root) {
  if (!existsSync(join(root, '.git'))) return [...walk(root)];
  const args = ['-C', root, 'ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  return execFileSync('git', args, { encoding: 'utf8', maxBuffer: 64 << 20 }).split('\0').filter((path) => path !== '');
}

function readFiles(root) {
  return listPaths(root)
    // A file may be deleted but not yet committed so; a link is checked where it leads.
    .filter((path) => existsSync(join(root, path)) && lstatSync(join(root, path)).isFile())
    .filter((path) => TEXT.has(extname(path)) && path !== 'LICENSE')
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8');
      return { path, text, lines: text.split('\n') };
    });
}

export async function tidy(root) {
  const files = readFiles(root);
  const used = new Set();
  const findings = [];
  for (const [check, run] of Object.entries(CHECKS)) {
    for await (const finding of run(files, root)) {
      const exemption = EXEMPT.find((line) => line.check === check && line.path === finding.path);
      if (exemption === undefined) findings.push({ check, ...finding });
      else used.add(exemption);
    }
  }
  for (const line of EXEMPT) {
    if (files.some(({ path }) => path === line.path) && !used.has(line)) {
      findings.push({ check: line.check, path: line.path, line: 1, message: 'exemption that exempts nothing' });
    }
  }
  return findings;
}

async function main() {
  const at = process.argv.indexOf('--root');
  const root = at > 0 ? process.argv[at + 1] : join(import.meta.dirname, '..');
  const findings = await tidy(root);
  for (const { check, path, line, message } of findings) {
    console.log(`${relative('.', join(root, path))}:${line}: ${message} [${check}]`);
  }
  process.exitCode = findings.length > 0 ? 1 : 0;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
