/**
 * JSON with what `JSON.parse` does not tell: line and column of the fault, and keys that stand there twice.
 *
 * `JSON.parse` words its faults differently in every release of Node.js, quotes the text around them (which may be a
 * password), and silently takes the last of two equal keys. So a scanner walks the text first and finds both; the
 * value itself still comes from `JSON.parse`.
 */

/** A configuration is three levels deep; the bound keeps the recursion of hostile files short. */
const DEPTH_MAX = 32;

/** More of them say nothing new. */
const DUPLICATES_MAX = 20;

export interface JsonFault {
  readonly line: number;
  readonly column: number;
  readonly reason: string;
}

export interface DuplicateKey {
  /** Dotted, as in `node.port`. */
  readonly path: string;
  readonly line: number;
}

export type JsonRead =
  | { readonly ok: true; readonly value: unknown; readonly duplicates: readonly DuplicateKey[] }
  | { readonly ok: false; readonly fault: JsonFault };

const SPACE = /[ \t\r\n]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;

class Malformed extends Error {
  readonly at: number;

  constructor(at: number, reason: string) {
    super(reason);
    this.at = at;
  }
}

class Scanner {
  readonly duplicates: DuplicateKey[] = [];
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  scan(): void {
    this.#value('', 0);
    if (this.#at < this.#text.length) throw new Malformed(this.#at, 'expected the end of the file');
  }

  #value(path: string, depth: number): void {
    if (depth > DEPTH_MAX) throw new Malformed(this.#at, `nested more than ${DEPTH_MAX} deep`);
    this.#take(SPACE);
    if (this.#skip('{')) this.#object(path, depth);
    else if (this.#skip('[')) this.#list(path, depth);
    else if (this.#take(STRING) === undefined && this.#take(SCALAR) === undefined) throw this.#noValue();
    this.#take(SPACE);
  }

  #object(path: string, depth: number): void {
    const seen = new Set<string>();
    this.#take(SPACE);
    if (this.#skip('}')) return;
    do {
      this.#take(SPACE);
      const start = this.#at;
      const quoted = this.#take(STRING);
      if (quoted === undefined) throw new Malformed(start, 'expected a key in double quotes');
      const key = String(JSON.parse(quoted));
      const keyPath = path === '' ? key : `${path}.${key}`;
      if (seen.has(key)) this.#report(keyPath, start);
      seen.add(key);
      this.#take(SPACE);
      this.#expect(':', "expected ':'");
      this.#value(keyPath, depth + 1);
    } while (this.#skip(','));
    this.#expect('}', "expected ',' or '}'");
  }

  #list(path: string, depth: number): void {
    this.#take(SPACE);
    if (this.#skip(']')) return;
    do {
      this.#value(path, depth + 1);
    } while (this.#skip(','));
    this.#expect(']', "expected ',' or ']'");
  }

  #report(path: string, at: number): void {
    if (this.duplicates.length >= DUPLICATES_MAX) return;
    this.duplicates.push({ path, line: placeOf(this.#text, at).line });
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #expect(character: string, reason: string): void {
    if (!this.#skip(character)) throw new Malformed(this.#at, this.#orEnd(reason));
  }

  #noValue(): Malformed {
    const reason = this.#text[this.#at] === '"' ? 'this text is not ended or not valid' : 'expected a value';
    return new Malformed(this.#at, this.#orEnd(reason));
  }

  #orEnd(reason: string): string {
    return this.#at >= this.#text.length ? `${reason}, found the end of the file` : reason;
  }
}

/** Parses `text`; never throws, and never quotes the text in a fault. */
export function readJson(text: string): JsonRead {
  const scanner = new Scanner(text);
  try {
    scanner.scan();
    return { ok: true, value: JSON.parse(text) as unknown, duplicates: scanner.duplicates };
  } catch (error) {
    if (error instanceof Malformed) {
      return { ok: false, fault: { ...placeOf(text, error.at), reason: error.message } };
    }
    throw error;
  }
}

function placeOf(text: string, at: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, at).split('\n');
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
}
