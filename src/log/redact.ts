/**
 * Makes fields safe to write: secrets hidden by the name of their field, everything bounded in depth and length.
 *
 * `Secret` of the configuration hides itself by its `toJSON`; the names here catch what was never wrapped, such as the
 * reply of a server or a record that somebody else wrote.
 */

const SECRET_NAME = /pass(?:word|wd)?$|token|secret|credential|^(?:.*_)?auth$|masterauth|requirepass|authorization/i;

const HIDDEN = '***';

const DEPTH_MAX = 6;
const TEXT_LENGTH_MAX = 1000;
const ENTRIES_MAX = 100;

/** A copy of `value` that may be written to the log; never throws. */
export function redact(value: unknown, depth = 0): unknown {
  switch (typeof value) {
    case 'string':
      return value.length <= TEXT_LENGTH_MAX ? value : `${value.slice(0, TEXT_LENGTH_MAX)}...`;
    case 'bigint':
    case 'symbol':
      return String(value);
    case 'function':
      return undefined;
    case 'object':
      return value === null ? null : redactObject(value, depth);
    case 'boolean':
    case 'number':
    case 'undefined':
      return value;
  }
}

function redactObject(value: object, depth: number): unknown {
  if (value instanceof Error) return { code: codeOf(value), message: redact(value.message) };
  if ('toJSON' in value && typeof value.toJSON === 'function') return redactOwnForm(value as Printable, depth);
  if (depth >= DEPTH_MAX) return Array.isArray(value) ? '[list]' : '[object]';
  if (value instanceof Map) return redact(Object.fromEntries(value), depth);
  if (value instanceof Set) return redact([...value], depth);
  if (Array.isArray(value)) return value.slice(0, ENTRIES_MAX).map((entry) => redact(entry, depth + 1));
  const entries = Object.entries(value).slice(0, ENTRIES_MAX);
  return Object.fromEntries(entries.map(([name, field]) => [name, redactField(name, field, depth + 1)]));
}

interface Printable {
  toJSON(): unknown;
}

function redactOwnForm(value: Printable, depth: number): unknown {
  const form = value.toJSON();
  // An object that answers with itself, or with another such object, would never end.
  return depth >= DEPTH_MAX ? '[object]' : redact(form, depth + 1);
}

function redactField(name: string, value: unknown, depth: number): unknown {
  if (value === undefined || value === null) return value;
  return SECRET_NAME.test(name) ? HIDDEN : redact(value, depth);
}

const codeOf = (error: Error): unknown => ('code' in error ? redact(error.code) : error.name);
