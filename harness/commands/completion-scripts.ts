/**
 * Shell scripts that complete `poolproof`. They only pass on the typed words and show the answers of
 * `poolproof complete`. @bomb.sh/tab and @pnpm/tabtab were read: their scripts evaluate the typed words on TAB (in bash
 * and in fish), and none completes behind the `=` of `memory=512M` in bash.
 */

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

const quote = (word: string): string => `'${word.replaceAll("'", String.raw`'\''`)}'`;

/**
 * Answers have their own space, since `memory=` goes on. `$2` is the part of the word that readline replaces, which
 * begins behind a `=`, `:` or `@`.
 */
const bash = (command: string): string => `_poolproof() {
  mapfile -t COMPREPLY < <(${command} complete bash -- "$2" "\${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
}
complete -o nospace -F _poolproof poolproof
`;

/** Answers that begin with + go on, the others are whole words. */
const zsh = (command: string): string => `#compdef poolproof
_poolproof() {
  local line
  local -a whole begun
  while IFS= read -r line; do
    if [[ $line == +* ]]; then begun+=("\${line#+}"); else whole+=("$line"); fi
  done < <(${command} complete zsh -- "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)
  _describe -V poolproof whole -- begun -S ''
}
if [[ \${funcstack[1]} == _poolproof ]]; then _poolproof; else compdef _poolproof poolproof; fi
`;

/** Fish itself adds no space behind = / and a comma. */
const fish = (command: string): string => `function __poolproof_complete
    ${command} complete fish -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null
end
complete -c poolproof -f -k -a '(__poolproof_complete)'
`;

const scripts: Readonly<Record<Shell, (command: string) => string>> = { bash, zsh, fish };

/** @param command program and arguments that run poolproof: the one that printed this, wherever it is */
export const renderScript = (shell: Shell, command: readonly string[]): string =>
  scripts[shell](command.map(quote).join(' '));
