import { execa } from 'execa';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const project = fileURLToPath(new URL('..', import.meta.url));
// Not below the checkout, whose node_modules it would find.
const folder = await mkdtemp(path.join(tmpdir(), 'poolproof-user-'));
t.teardown(() => rm(folder, { recursive: true, force: true }));

/** As a user has it: `node` is the one of this test, and nothing of the test's runner is loaded into it. */
const env = { ...process.env, PATH: `${path.dirname(process.execPath)}:${process.env['PATH'] ?? ''}` };
const inProject = { cwd: folder, env, extendEnv: false, reject: false } as const;

const [, section = ''] =
  /\n## As a library\n([^]*?)\n## /.exec(await readFile(path.join(project, 'harness/README.md'), 'utf8')) ??
  [];
const blocks = (language: string): string[] =>
  [...section.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(
    ([, text = '']) => text,
  );
const examples = blocks('ts');
const names = examples.map((_, index) => `example-${index + 1}`);

await writeFile(path.join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
await writeFile(path.join(folder, 'matrix.yaml'), blocks('yaml').join(''));
for (const [index, name] of names.entries())
  await writeFile(path.join(folder, `${name}.ts`), examples[index] ?? '');

t.test('the package installs into an empty project, and npx runs a cell in a guest', async (t) => {
  const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder];
  const { stdout: file } = await execa('npm', pack, { cwd: project, env });
  const install = ['install', '--prefer-offline', '--no-audit', '--no-fund', `./${file.trim()}`];
  t.match(await execa('npm', install, inProject), { exitCode: 0 });
  const words = ['poolproof', 'run', 'matrix.yaml', '--jobs', '1', '--results', 'by-npx'];
  t.match(await execa('npx', words, inProject), {
    exitCode: 0,
    stdout: /1 cells?: 1 reached[^]*results in by-npx/,
  });
  t.match(await execa('npx', ['poolproof', 'plan', 'limits'], inProject), { stdout: /79 cells, / });
  t.match(await execa('npx', ['poolproof', '--version'], inProject), {
    stdout: /^\d+\.\d+\.\d+ \([0-9a-f]{12}\+?\)$/,
  });
});

t.test(
  'the examples of the README compile against the types of the package, also of what these import',
  async (t) => {
    const compilerOptions = {
      ...{ module: 'nodenext', target: 'es2023', lib: ['es2023', 'esnext.disposable'], strict: true },
      ...{ exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false },
      ...{ types: ['node'], typeRoots: [path.join(project, 'node_modules/@types')] },
    };
    await writeFile(
      path.join(folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: names.map((name) => `${name}.ts`) }),
    );
    const tsc = await execa(
      process.execPath,
      [path.join(project, 'node_modules/typescript/bin/tsc')],
      inProject,
    );
    t.match(tsc, { exitCode: 0, stdout: '' }, tsc.stdout);
  },
);

t.test('the examples of the README run, guests included', async (t) => {
  const expected = [
    /^memory=512M,overcommit=2,thp=never.*: boot 1, conservative\n {2}not standard: table pool needs \d+ MiB/,
    /^exit code 0, 0 failed$/,
    /conservative[^]*cell: memory=512M[^]*0 regressions; bad since never$/,
    /CommitLimit:[^]* 0 [1-9]\d+ bytes may still be charged$/,
  ];
  t.equal(examples.length, expected.length);
  for (const [index, name] of names.entries()) {
    const end = await execa(process.execPath, [`${name}.js`], inProject);
    t.match(end, { exitCode: 0, stdout: expected[index] }, `${name}: ${end.stderr}`);
  }
});
