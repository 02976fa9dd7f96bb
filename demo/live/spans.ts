/** Styled text cut to a width: characters are counted before colours are added, so that a cut never hits a colour. */

import type { Look } from './model.ts';

export type Style = 'plain' | 'dim' | 'strong' | 'good' | 'warn' | 'bad' | 'key';

export interface Span {
  readonly text: string;
  readonly style: Style;
}

const CODES: Readonly<Record<Style, string>> = {
  plain: '', dim: '2', strong: '1', good: '1;32', warn: '33', bad: '1;31', key: '1;7',
};

export const span = (text: string, style: Style = 'plain'): Span => ({ text, style });

/** One line of at most `columns` characters; every character is assumed to be one column wide. */
export function toText(line: readonly Span[], { columns, colour, unicode }: Look): string {
  const length = line.map(({ text }) => text).join('').trimEnd().length;
  let left = length > columns ? columns - 1 : columns;
  const cut: readonly Span[] = length > columns && columns > 0 ? [span(unicode ? '…' : '~', 'dim')] : [];
  const shown = line.map(({ text, style }) => {
    const kept = text.slice(0, Math.max(0, left));
    left -= kept.length;
    return span(kept, style);
  });
  const drawn = [...shown, ...cut].map(({ text, style }) => {
    const code = colour ? CODES[style] : '';
    return code === '' || text === '' ? text : `\u001b[${code}m${text}\u001b[0m`;
  });
  return drawn.join('').trimEnd();
}
