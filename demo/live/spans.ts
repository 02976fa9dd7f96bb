/** Styled text cut to a width: characters are counted before colours are added, so that a cut never hits a colour. */

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
export function toText(line: readonly Span[], columns: number, colour: boolean): string {
  let left = columns;
  let text = '';
  for (const { text: whole, style } of line) {
    const shown = [...whole].slice(0, left).join('');
    left -= [...shown].length;
    const code = colour ? CODES[style] : '';
    text += code === '' || shown === '' ? shown : `\u001b[${code}m${shown}\u001b[0m`;
  }
  return colour ? text : text.trimEnd();
}
