/** `dictator completion bash|zsh`: what the shell needs to complete verbs and their flags, made from the table. */
import { EXIT } from '../../contract/errors.ts';
import { FLAGS } from '../flags.ts';
import { report } from '../report.ts';
import type { Verb } from '../verb.ts';

const SHELLS = ['bash', 'zsh'] as const;

export const completion: Verb = {
  name: 'completion',
  group: 'Set up',
  args: SHELLS.join('|'),
  argsMin: 1,
  argsMax: 1,
  summary: 'completion of verbs and flags for a shell',
  details: [
    'bash: source <(dictator completion bash), or put it below /etc/bash_completion.d.',
    'zsh: put it as _dictator into a folder of $fpath.',
  ],
  flags: [],
  examples: ['dictator completion bash > /etc/bash_completion.d/dictator'],
  run({ args: [shell = ''], io, verbs }) {
    if (shell === 'bash') io.stdout(forBash(verbs));
    else if (shell === 'zsh') io.stdout(forZsh(verbs));
    else return report({ code: 'usage', details: [`completion knows ${SHELLS.join(' and ')}`] }, io);
    return EXIT.done;
  },
};

/** Names of verbs; of those with two words the first, once. */
function firstWords(verbs: readonly Verb[]): string[] {
  const names = verbs.flatMap(({ name, alias }) => [name.split(' ')[0], alias]);
  return [...new Set(names.filter((name) => name !== undefined))];
}

const secondWords = (verbs: readonly Verb[], first: string): string[] =>
  verbs.filter(({ name }) => name.startsWith(`${first} `)).map(({ name }) => name.slice(first.length + 1));

/** What may follow a first word: second words, the words of its usage, flags. */
function followers(verbs: readonly Verb[], first: string): string {
  const own = verbs.filter(({ name, alias }) => name === first || alias === first || name.startsWith(`${first} `));
  const choices = own.flatMap(({ args }) => (args.includes('|') ? args.split('|') : []));
  const flags = own.flatMap((verb) => [...verb.flags, 'help'].map((name) => `--${name}`));
  return [...new Set([...secondWords(verbs, first), ...choices, ...flags])].join(' ');
}

function forBash(verbs: readonly Verb[]): string {
  const files = Object.entries(FLAGS).filter(([, { value }]) => value === 'FILE').map(([name]) => `--${name}`);
  const cases = firstWords(verbs).map((first) => `    ${first}) words='${followers(verbs, first)}' ;;\n`);
  return `# Completion of dictator for bash: source <(dictator completion bash)
_dictator() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} words
  case $previous in ${files.join('|')}) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;; esac
  case \${COMP_WORDS[1]} in
${cases.join('')}    *) words='' ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then words='${firstWords(verbs).join(' ')} --config --log-level --version --help'; fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  if [ \${#COMPREPLY[@]} -eq 0 ]; then mapfile -t COMPREPLY < <(compgen -f -- "$current"); fi
}
complete -F _dictator dictator
`;
}

/** Quoted for zsh's _describe, where a colon divides and an apostrophe ends. */
const quoted = (text: string): string => `'${text.replaceAll(':', '\\:').replaceAll("'", "'\\''")}'`;

function forZsh(verbs: readonly Verb[]): string {
  const rows = firstWords(verbs).map((first) => {
    const verb = verbs.find(({ name, alias }) => name === first || alias === first);
    const summary = verb?.summary ?? secondWords(verbs, first).join(', ');
    return `    ${quoted(first)}:${quoted(summary)}\n`;
  });
  const cases = firstWords(verbs).map((first) => `    ${first}) compadd -- ${followers(verbs, first)} ;;\n`);
  return `#compdef dictator
# Completion of dictator for zsh: put it as _dictator into a folder of $fpath.
_dictator() {
  local -a verbs=(
${rows.join('')}  )
  if (( CURRENT == 2 )); then _describe verb verbs; return; fi
  case $words[2] in
${cases.join('')}  esac
  _files
}
_dictator "$@"
`;
}
