/** The manual page, `harness/poolproof.1`: man(7) text made of the definitions of the commands and of their help. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from '@commander-js/extra-typings';
import { openContext } from '../harness/commands/context.ts';
import { buildProgram } from '../harness/program.ts';
import type { GeneratedFiles } from './generate.ts';

const file = 'harness/poolproof.1';

/** A text as troff prints it: hyphens that can be copied, ASCII, and no control character at the start of a line. */
const escape = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1')
    .replace(/[^\n -~]/g, (sign) => `\\[u${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}]`);

/** An argument of a macro. */
const quote = (text: string): string => `"${escape(text).replaceAll('"', '\\(dq')}"`;

/** Text that is filled, in the short lines that mandoc asks for. */
const renderText = (text: string): string => escape(text.replace(/(.{1,70})(?:\s+|$)/g, '$1\n'));

/** A term and its meaning, indented. */
const renderTerm = (term: string, meaning: string): string =>
  `.TP\n.B ${quote(term)}\n${renderText(meaning)}`;

/** Lines as they are: examples keep their indentation. */
const renderLines = (text: string): string => `.PP\n.nf\n${escape(text)}\n.fi\n`;

/** The paragraphs of a command's help behind its options: examples, exit codes, lists. */
function readHelpEnd(command: Command): readonly string[] {
  let shown = '';
  command.configureOutput({ writeOut: (text) => void (shown += text) });
  command.outputHelp();
  const end = shown.slice(command.helpInformation().length).trim();
  return end === '' ? [] : end.split(/\n{2,}/);
}

/** Arguments and options. */
function renderTerms(command: Command): string {
  const help = command.createHelp();
  const words = help
    .visibleArguments(command)
    .map((one) => renderTerm(help.argumentTerm(one), help.argumentDescription(one)));
  const options = help
    .visibleOptions(command)
    .filter(({ long }) => long !== '--help')
    .map((one) => renderTerm(help.optionTerm(one), help.optionDescription(one)));
  return [...words, ...options].join('');
}

/** A section per command; one with commands below it is shown by these. */
function renderCommands(command: Command): string {
  const help = command.createHelp();
  const commands = help.visibleCommands(command).filter((one) => one.name() !== 'help') as Command[];
  return commands
    .map((one) => {
      if (one.commands.length > 0) return renderCommands(one);
      const title = `.SS ${quote(help.commandUsage(one))}\n${renderText(one.description())}`;
      return `${title}${renderTerms(one)}${readHelpEnd(one).map(renderLines).join('')}`;
    })
    .join('');
}

/** A paragraph `Environment:` of the program's help, whose lines are a name, two spaces or more, and its meaning. */
function renderSection(paragraph: string): string {
  const [title = '', ...lines] = paragraph.split('\n');
  const terms = lines.map((line) => {
    const [term = '', meaning = ''] = line.trim().split(/ {2,}/);
    return renderTerm(term, meaning);
  });
  return `.SH ${quote(title.replace(/:$/, '').toUpperCase())}\n${terms.join('')}`;
}

/**
 * Its date is the day on which the rest of the page last changed.
 * @param root of the repository
 */
export async function renderManPage(root: string): Promise<GeneratedFiles> {
  const context = await openContext();
  context.close();
  const program = buildProgram(context, () => undefined);
  const name = program.name();
  const page = (day: string): string =>
    [
      `.TH ${name.toUpperCase()} 1 ${day} ${quote(`${name} ${context.version}`)} "User Commands"\n`,
      `.SH NAME\n${name} \\- ${renderText(program.description().replace(/\.$/, ''))}`,
      `.SH SYNOPSIS\n.B ${name}\n.I command\n[options] [arguments]\n`,
      `.SH OPTIONS\n${renderTerms(program)}`,
      `.SH COMMANDS\n${renderCommands(program)}`,
      ...readHelpEnd(program).map(renderSection),
    ].join('');
  const before = await readFile(path.join(root, file), 'utf8').catch(() => '');
  const day = /^\.TH \S+ 1 (\S+) /.exec(before)?.[1] ?? '';
  const today = new Date().toISOString().slice(0, 10);
  return { [file]: page(before === page(day) ? day : today) };
}
