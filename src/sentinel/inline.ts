/** Splits an inline request into arguments, with the quotes and escapes that Redis knows. */

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\u0007' };
const BLANK = /\s/;
const HEX_ESCAPE = /^\\x([0-9a-fA-F]{2})/;

interface Piece {
  readonly text: string;
  /** Where it goes on behind it. */
  readonly end: number;
}

/** The arguments, or null where a quote is not closed or something stands right behind one. */
export function splitInline(line: string): readonly string[] | null {
  const args: string[] = [];
  let at = 0;
  for (;;) {
    while (at < line.length && BLANK.test(line.charAt(at))) at += 1;
    if (at >= line.length) return args;
    const arg = argumentAt(line, at);
    if (arg === null) return null;
    args.push(arg.text);
    at = arg.end;
  }
}

function argumentAt(line: string, start: number): Piece | null {
  let text = '';
  let at = start;
  while (at < line.length && !BLANK.test(line.charAt(at))) {
    const char = line.charAt(at);
    if (char !== '"' && char !== "'") {
      text += char;
      at += 1;
      continue;
    }
    const quoted = char === '"' ? doubleQuoted(line, at + 1) : singleQuoted(line, at + 1);
    const closed = quoted !== null && (quoted.end >= line.length || BLANK.test(line.charAt(quoted.end)));
    return closed ? { text: text + quoted.text, end: quoted.end } : null;
  }
  return { text, end: at };
}

function doubleQuoted(line: string, start: number): Piece | null {
  let text = '';
  let at = start;
  while (at < line.length) {
    const char = line.charAt(at);
    if (char === '"') return { text, end: at + 1 };
    const hex = HEX_ESCAPE.exec(line.slice(at, at + 4))?.[1];
    if (hex !== undefined) {
      text += String.fromCharCode(Number.parseInt(hex, 16));
      at += 4;
    } else if (char === '\\' && at + 1 < line.length) {
      const escaped = line.charAt(at + 1);
      text += ESCAPES[escaped] ?? escaped;
      at += 2;
    } else {
      text += char;
      at += 1;
    }
  }
  return null;
}

function singleQuoted(line: string, start: number): Piece | null {
  let text = '';
  let at = start;
  while (at < line.length) {
    if (line.startsWith("\\'", at)) {
      text += "'";
      at += 2;
    } else if (line.charAt(at) === "'") {
      return { text, end: at + 1 };
    } else {
      text += line.charAt(at);
      at += 1;
    }
  }
  return null;
}
