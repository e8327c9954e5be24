import { spawnSync } from 'node:child_process';
import path from 'node:path';
import type { Command } from '@commander-js/extra-typings';
import t from 'tap';
import { listen } from '../harness/fixtures/fake-commands.ts';
import { buildProgram } from '../harness/program.ts';
import { renderManPage } from './generate-man-page.ts';

const [page = ''] = Object.values(await renderManPage(path.join(import.meta.dirname, '..'))).map(String);

const visible = (command: Command): readonly Command[] =>
  (command.createHelp().visibleCommands(command) as Command[]).filter((one) => one.name() !== 'help');

t.test('groff and mandoc find nothing to warn of in the manual page, and it reads as it was written', (t) => {
  const lint = spawnSync('mandoc', ['-T', 'lint', '-W', 'style'], { input: page, encoding: 'utf8' });
  t.match(lint, { status: 0, stdout: '', stderr: '' });
  const shown = spawnSync('groff', ['-man', '-ww', '-P-cbu', '-Tutf8'], { input: page, encoding: 'utf8' });
  t.match(shown, { status: 0, stderr: '' });
  const text = shown.stdout;
  t.match(text, /^ {3}poolproof run \[options\] \[matrix\]$/m);
  t.match(text, /^ {7}--shard <i\/n>\n {14}one part of the matrix, e\.g\. 2\/3;/m);
  t.match(text, /^ {7}Example:\n {9}poolproof run matrices\/limits\.yaml --only engine=v8$/m);
  t.match(text, /^EXIT CODES\n {7}0 {6}every cell as expected/m);
  t.match(text, /^ {7}POOLPROOF_CACHE\n/m);
  t.end();
});

t.test('every command that the help lists is in the page with its options', (t) => {
  const program = buildProgram(listen().context, () => undefined);
  const commands = visible(program).flatMap((one) => (one.commands.length > 0 ? visible(one) : [one]));
  t.ok(commands.length > 25, `${commands.length} commands`);
  const sections = page.replaceAll('\\-', '-').split(/^\.SS /m);
  for (const command of commands) {
    const usage = command.createHelp().commandUsage(command);
    const section = sections.find((text) => text.startsWith(`"${usage}"`)) ?? '';
    const terms = command
      .createHelp()
      .visibleOptions(command)
      .map(({ flags }) => flags);
    for (const flags of terms.filter((one) => one !== '-h, --help'))
      t.ok(section.includes(`.B "${flags}"\n`), `${usage}: ${flags}`);
  }
  t.end();
});
