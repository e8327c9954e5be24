import { execa } from 'execa';
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import ts from 'typescript';
import { loadHostFiles } from '../images/archive/host-files.ts';

const project = fileURLToPath(new URL('..', import.meta.url));

/** The package as it would be published, unpacked, with its production dependencies and no others. */
async function unpack(folder: string): Promise<string> {
  const { stdout } = await execa(
    'npm',
    ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder],
    { cwd: project },
  );
  await execa('tar', ['-xf', path.join(folder, stdout.trim()), '-C', folder]);
  const modules = path.join(folder, 'node_modules');
  const list = await execa('npm', ['ls', '--omit=dev', '--all', '--parseable'], {
    cwd: project,
    reject: false,
  });
  for (const found of list.stdout.split('\n').slice(1)) {
    // Nested ones are found from where they really are.
    const name = path.relative(path.join(project, 'node_modules'), found);
    if (name.startsWith('..') || name.includes('node_modules')) continue;
    await mkdir(path.dirname(path.join(modules, name)), { recursive: true });
    await symlink(found, path.join(modules, name)).catch(() => undefined);
  }
  return path.join(folder, 'package');
}

// Not below this folder, whose node_modules it would find.
const work = await mkdtemp(path.join(tmpdir(), 'poolproof-package-'));
t.teardown(() => rm(work, { recursive: true, force: true }));
const folder = await unpack(work);
const files = (await readdir(folder, { recursive: true, withFileTypes: true }))
  .filter((entry) => entry.isFile())
  .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));

t.test('the package holds what runs and nothing else', (t) => {
  const allowed =
    /^(?:dist\/(?:harness|images)\/|matrices\/|images\/lock\.yaml$|harness\/poolproof\.1$|results\/report\.|package\.json$|README\.md$|LICENSE$)/;
  t.same(
    files.filter((file) => !allowed.test(file)),
    [],
  );
  const needless =
    /\.test\.|\/fixtures\/|\/bench\/|^dist\/scripts\/|\/compile-modules\.|\/generate\.|(?<!\.d)\.ts$/;
  t.same(
    files.filter((file) => needless.test(file)),
    [],
  );
  for (const file of [
    'dist/harness/cli.js',
    'dist/harness/poolproof.d.ts',
    'dist/images/capture/capture.sh',
    'dist/images/capture/redact.awk',
    'dist/images/guest/init.sh',
    'dist/images/wasm-host/worker.cjs',
    'dist/images/wasm-host/canary.wasm',
    'images/lock.yaml',
    'harness/poolproof.1',
    'matrices/default.yaml',
    'results/report.schema.json',
  ])
    t.ok(files.includes(file), `${file} (npm run build makes what is in dist)`);
  t.end();
});

t.test('a guest of the package is made of the same files as one of a checkout', async (t) => {
  for (const file of (await loadHostFiles()).keys()) t.ok(files.includes(`dist/images/${file}`), file);
});

t.test('every command runs with production dependencies only', async (t) => {
  const cli = path.join(folder, 'dist/harness/cli.js');
  const { stdout } = await execa(process.execPath, [cli, '--help']);
  t.match(stdout, /^Usage: poolproof/);
  const captured = await execa(process.execPath, [cli, 'capture']);
  t.match(captured.stdout, /^#!\/bin\/sh[^]*function hide_names/);
  const plan = await execa(process.execPath, [cli, 'plan', path.join(folder, 'matrices/default.yaml')]);
  t.match(plan.stdout, /cells/);
  // Commands are loaded when they run: each must find everything that it imports.
  const commands = files.filter((file) => /^dist\/harness\/(?:commands\/[^/]*|poolproof)\.js$/.test(file));
  t.ok(commands.length > 20, String(commands.length));
  const load = commands.map((file) => `await import(${JSON.stringify(path.join(folder, file))});`);
  await execa(process.execPath, ['--input-type=module', '--eval', load.join('\n')], { cwd: folder });
});

/** What a value of an axis is comes from the table of axes; what its rows are made of is nobody's business. */
const opaque: readonly string[] = ['AxisTable', 'ShippedAxes', 'Values', 'LoadOptions'];

t.test('every type that an export of the library mentions has a name there', (t) => {
  const entry = path.join(folder, 'dist/harness/poolproof.d.ts');
  const { NodeNext: module } = ts.ModuleKind;
  const options = { module, moduleResolution: ts.ModuleResolutionKind.NodeNext, strict: true, types: [] };
  const program = ts.createProgram([entry], options);
  const checker = program.getTypeChecker();
  const resolve = (symbol: ts.Symbol): ts.Symbol =>
    (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol);
  const source = program.getSourceFile(entry);
  const entrySymbol = source && checker.getSymbolAtLocation(source);
  const exported = new Set(entrySymbol && checker.getExportsOfModule(entrySymbol).map(resolve));
  t.ok(exported.size > 80, `${exported.size} exports`);
  const nameless = new Set<string>();
  const walk = (node: ts.Node): void => {
    if (ts.isTypeQueryNode(node)) return;
    const found = ts.isTypeReferenceNode(node) ? checker.getSymbolAtLocation(node.typeName) : undefined;
    const symbol = found && resolve(found);
    const [declaration] = symbol?.declarations ?? [];
    if (symbol && declaration?.getSourceFile().fileName.startsWith(`${folder}/dist/`)) {
      const isParameter = (symbol.flags & ts.SymbolFlags.TypeParameter) !== 0;
      if (!isParameter && !opaque.includes(symbol.name) && !exported.has(symbol)) nameless.add(symbol.name);
    }
    ts.forEachChild(node, walk);
  };
  for (const { declarations = [] } of exported) for (const declaration of declarations) walk(declaration);
  t.same([...nameless], []);
  t.end();
});
