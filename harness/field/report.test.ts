import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { PoolproofError } from '../errors.ts';
import { loadFieldReport, parseFieldReport } from './report.ts';
import { maxReportBytes } from './report-bytes.ts';

const fixture = (name: string): Promise<string> =>
  readFile(new URL(`../fixtures/field/${name}.yaml`, import.meta.url), 'utf8');
/** One machine, as each version of the script reports it. */
const [first, second] = await Promise.all([fixture('version-1'), fixture('version-2')]);

function refusal(text: string): PoolproofError {
  try {
    parseFieldReport(text, 'r.yaml');
  } catch (error) {
    if (error instanceof PoolproofError) return error;
    throw error;
  }
  throw new Error('the report was taken');
}

/** The facts alone: versions differ in what they are made of. */
function facts(text: string): unknown {
  const { schema: _schema, cutOffIn: _cutOffIn, ...rest } = parseFieldReport(text, 'r.yaml');
  return rest;
}

t.test('both versions of a report hold the same facts', (t) => {
  const report = parseFieldReport(second, 'r.yaml');
  t.match(report, { schema: 2, cutOffIn: null });
  t.match(parseFieldReport(first, 'r.yaml'), { schema: 1, cutOffIn: null });
  t.same(facts(first), facts(second));
  t.match(report.memory, { totalKib: 995_744, hugePages: 0, vmallocTotalKib: 34_359_738_367 });
  t.match(report.resourceLimits.stack, { soft: 8_388_608, hard: 'unlimited' });
  t.match(report.command, { exit: 'none', signal: 'SIGABRT' });
  t.end();
});

t.test('an unknown fact is null', (t) => {
  t.equal(
    parseFieldReport(first.replace('totalKib: 995744', 'totalKib: unknown'), 'r').memory.totalKib,
    null,
  );
  const without = second.replace(/ {2}\/proc\/meminfo: \|\n(?: {4}.*\n)+/, '  /proc/meminfo: unknown\n');
  t.same(new Set(Object.values(parseFieldReport(without, 'r').memory)), new Set([null]));
  t.end();
});

t.test('shell in a value stays text', (t) => {
  const hostile = '$(reboot); `x` " && rm -rf ~';
  const quoted = first.replace('"6.1.0-26-amd64"', () => JSON.stringify(hostile));
  t.equal(parseFieldReport(quoted, 'r').kernel.release, hostile);
  t.equal(
    parseFieldReport(
      second.replace('6.1.0-26-amd64', () => hostile),
      'r',
    ).kernel.release,
    hostile,
  );
  t.end();
});

type Row = readonly [pattern: RegExp | string, by: string, code: string, message: RegExp];

function refuses(t: Test, source: string, rows: readonly Row[]): void {
  for (const [pattern, by, code, message] of rows) {
    const changed = source.replace(pattern, () => by);
    t.not(changed, source, by.slice(0, 40));
    const error = refusal(changed);
    t.equal(error.code, code, `${by.slice(0, 40)}: ${error.message}`);
    t.match(error.message, message);
    t.equal(error.details.file, 'r.yaml');
    t.ok((error.details.line ?? 0) >= 1);
  }
}

t.test('each refusal names the field, its place and the reason', (t) => {
  refuses(t, first, [
    [/^poolproof: .*/m, 'poolproof: wasm-host', 'FIELD_INVALID', /^poolproof is not field-report/],
    [/^schema: 1/m, 'schema: 3', 'FIELD_SCHEMA', /^schema is 3; this poolproof reads 1 and 2/],
    [/^schema: 1/m, 'schema: 0', 'FIELD_INVALID', /^schema is 0; /],
    [/^schema: 1/m, 'schema: one', 'FIELD_INVALID', /^schema is not as it should be/],
    [/^ {2}totalKib: \d+/m, '  totalKib: -5', 'FIELD_INVALID', /^memory\.totalKib is negative: `-5`/],
    [/^ {2}totalKib: \d+/m, '  totalKib: 1e30', 'FIELD_INVALID', /^memory\.totalKib is /],
    [/^ {2}totalKib: \d+/m, '  totalKib: 99999999999999', 'FIELD_INVALID', /totalKib is larger than any/],
    [/^ {2}totalKib: \d+/m, '  totalKib: 1.5', 'FIELD_INVALID', /totalKib is not a whole number/],
    [
      /^ {2}totalKib: \d+/m,
      '  totalKib: "$(reboot)"',
      'FIELD_INVALID',
      /totalKib is not a whole number: `\$/,
    ],
    [/^ {2}totalKib: \d+\n/m, '', 'FIELD_INVALID', /^memory\.totalKib is missing/],
    [/^ {2}totalKib: \d+/m, '  totalKib: 5\n  extra: 1', 'FIELD_INVALID', /^memory\.extra is not a field/],
    [/^ {2}totalKib: \d+/m, '  totalKib:', 'FIELD_INVALID', /^memory\.totalKib is empty/],
    [/^ {2}mode: \d/m, '  mode: 3', 'FIELD_INVALID', /^overcommit\.mode is neither 0, 1 nor 2: `3`/],
    [
      /addressSpace: .*/,
      'addressSpace: { soft: lots, hard: 1 }',
      'FIELD_INVALID',
      /addressSpace\.soft is not a whole number: `lots`/,
    ],
    [/^ {2}release: .*/m, '  release: "a\\u001b[2Jb"', 'FIELD_INVALID', /kernel\.release holds a control/],
    [/^ {2}release: .*/m, `  release: "${'x'.repeat(5000)}"`, 'FIELD_INVALID', /kernel\.release is longer/],
    [/^ {2}node: .*/m, '  node: "../../x"', 'FIELD_INVALID', /programs\.node is not a version/],
    [/^ {2}node: .*/m, '  node: "22.13.0; reboot"', 'FIELD_INVALID', /programs\.node is not a version/],
    [/^ {2}count: \d+/m, '  count: 0', 'FIELD_INVALID', /processor\.count is zero/],
    [/^ {2}processBits: \d+/m, '  processBits: 4096', 'FIELD_INVALID', /processBits is larger than any/],
    [/^ {2}hugePages: \d+/m, '  hugePages: 1e400', 'FIELD_INVALID', /hugePages is/],
    [/^ {2}levels: *$/m, '  levels: 7\n  more:', 'FIELD_INVALID', /^cgroup\.levels is/],
    [/^ {2}exit: none/m, '  exit: 300', 'FIELD_INVALID', /command\.exit is larger/],
    [
      /^ {2}signal: .*/m,
      '  signal: "KILL -9"',
      'FIELD_INVALID',
      /command\.signal is not the name of a signal/,
    ],
    [/^kernel:/m, 'kernel: !!js/function x\nmore:', 'FIELD_INVALID', /./],
    [/^[^]*$/, 'memory: [', 'FIELD_INVALID', /./],
    [/^[^]*$/, '', 'FIELD_INVALID', /./],
    [/^[^]*$/, '42', 'FIELD_INVALID', /^this is no field report/],
    [/^[^]*$/, 'FATAL ERROR: x\n  at: [y', 'FIELD_INVALID', /^this is no field report/],
    [/^[^]*$/, 'poolproof: field-report\n', 'FIELD_INVALID', /^the report ends after its first line/],
    [/^overcommit:/m, 'overcomit:', 'FIELD_INVALID', /^overcomit is not .* did you mean `overcommit`\?$/],
  ]);
  refuses(t, second, [
    [/^schema: 2/m, 'schema: 3', 'FIELD_SCHEMA', /^schema is 3; this poolproof reads 1 and 2/],
    ['MemTotal:         995744', 'MemTotal: 99999999999999', 'FIELD_INVALID', /^memory\.totalKib is larger/],
    ['MemTotal:         995744', `MemTotal: ${'9'.repeat(400)}`, 'FIELD_INVALID', /^memory\.totalKib is /],
    [
      /overcommit_memory: \|\n {4}0/,
      'overcommit_memory: |\n    3',
      'FIELD_INVALID',
      /^overcommit\.mode is neither/,
    ],
    ['6.1.0-26-amd64', 'a\u009b2Jb', 'FIELD_INVALID', /kernel\.release holds a control/],
    ['6.1.0-26-amd64', 'x'.repeat(5000), 'FIELD_INVALID', /kernel\.release is longer/],
    ['46 bits physical', '4096 bits physical', 'FIELD_INVALID', /physicalBits is larger than any/],
    ['"22.13.0"', '"22.13.0; reboot"', 'FIELD_INVALID', /programs\.node is not a version/],
    ['"22.13.0"', '"22.13.0"\n  perl: notFound', 'FIELD_INVALID', /^programs\.perl is not a field/],
    [/^ {2}spin: .*\n/m, '', 'FIELD_INVALID', /^programs\.spin is missing/],
    [/^signs:\n.*\n/m, '', 'FIELD_INVALID', /^signs is missing/],
    ['status: 134', 'status: 256', 'FIELD_INVALID', /^command\.status is /],
    ['pids.max: "1138"', 'pids.max: 1138', 'FIELD_INVALID', /pids\.max is not text/],
    [/^files:/m, 'files: 7\nmore:', 'FIELD_INVALID', /./],
  ]);
  const wrong = refusal(second.replace('MemTotal:         995744', 'MemTotal: 99999999999999'));
  const line = second.split('\n').findIndex((one) => one.includes('/proc/meminfo'));
  t.ok([line + 1, line + 2].includes(wrong.details.line ?? 0), 'at the file that says so');
  t.end();
});

const ways: Readonly<Record<string, (text: string) => string>> = {
  'with the line ends of Windows': (text) => text.replaceAll('\n', '\r\n'),
  'with a mark of byte order': (text) => `\ufeff${text}`,
  'in a Markdown fence': (text) => `It fails:\n\n~~~yaml\n${text}~~~\n\nAny idea? memory: [\n`,
  'in a fence of an indented list': (text) =>
    `1. it fails\n\n   \`\`\`\n${text.replace(/^(?=.)/gm, '   ')}   \`\`\`\n2. thanks: [\n`,
  'as an indented block': (text) => text.replace(/^/gm, '    '),
  'quoted in an answer': (text) =>
    `On Monday ann wrote:\n${text.replace(/^/gm, '> ').replace(/> $/gm, '>')}\nI see {\n`,
  'quoted twice, with the line ends of Windows': (text) =>
    text.replace(/^/gm, '> > ').replaceAll('\n', '\r\n'),
  'with what the script said on the side': (text) =>
    text.replace(/^command:\n/m, 'command:\ncapture.sh: running the command; Ctrl-C ends it\n'),
  'with the colours of a terminal': (text) => text.replace(/$/gm, '\u001b[0m'),
  'with the quotation marks of a letter': (text) => text.replace(/"([^"\n]*)"/g, '\u201c$1\u201d'),
  'from a web page': (text) => text.replace(/ {2}/g, ' \u00a0'),
};

for (const [title, wrap] of Object.entries(ways)) {
  t.test(`a report is read ${title}`, (t) => {
    for (const text of [first, second]) t.same(facts(wrap(text)), facts(text));
    const wrong = refusal(wrap(first.replace('totalKib: 995744', 'totalKib: -5')));
    const lines = wrap(first.replace('totalKib: 995744', 'totalKib: -5')).split(/\r?\n/);
    const { line = 0, column = 0 } = wrong.details;
    t.match((lines[line - 1] ?? '').slice(column - 1), /^-5/, 'the place is that of the file');
    t.end();
  });
}

/** Every fact of a cut-off report is that of the whole one, or unknown. */
function isPartOf(part: unknown, whole: unknown): boolean {
  if (part === null) return true;
  if (typeof part !== 'object' || typeof whole !== 'object' || whole === null) return part === whole;
  if (Array.isArray(part) && Array.isArray(whole))
    return part.every((one, index) => isPartOf(one, whole[index]));
  return Object.entries(part).every(([key, value]) =>
    isPartOf(value, (whole as Record<string, unknown>)[key]),
  );
}

t.test('of a report that is cut off anywhere, what is whole is used and nothing else', (t) => {
  for (const text of [first, second]) {
    const whole = facts(text);
    // The last line is never used, so there must be one after the version.
    const start = text.indexOf('schema: ') + 'schema: 1\nfiles:\n'.length;
    for (let end = start; end < text.trimEnd().length; end += end > text.length - 300 ? 3 : 41) {
      // A report of version 1 without its command looks like one that never had a command.
      if (text === first && end > text.indexOf('command:') - 2 && end < text.indexOf('command:') + 1)
        continue;
      const report = parseFieldReport(text.slice(0, end), 'r.yaml');
      const { schema: _schema, cutOffIn, ...rest } = report;
      if (!isPartOf(rest, whole) || cutOffIn === null) t.fail(`cut at ${end}: ${text.slice(end - 30, end)}`);
    }
  }
  const programs = parseFieldReport(second.replace(/^ {2}bun: [^]*/m, '  bun: notFound\n'), 'r.yaml');
  t.match(programs, { cutOffIn: 'programs', programs: { deno: 'notFound', bun: null } });
  const cut = parseFieldReport(second.slice(0, second.indexOf('KernelPageSize') - 5), 'r.yaml');
  t.equal(cut.cutOffIn, 'files');
  t.equal(cut.kernel.release, '6.1.0-26-amd64');
  t.equal(cut.surroundings.container, null, 'nobody looked for signs');
  const half = parseFieldReport(second.slice(0, second.indexOf('5744 kB')), 'r.yaml');
  t.equal(half.memory.totalKib, null, 'half a number is no number');
  t.equal(refusal(first.slice(0, -20).replace('totalKib: 995744', 'totalKib: -5')).code, 'FIELD_INVALID');

  t.end();
});

t.test('hostile sizes are refused', async (t) => {
  t.match(refusal(`${second}# ${'x'.repeat(maxReportBytes)}`).message, /larger than 256 KiB/);
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [${'*a,'.repeat(9)}]\nc: &c [${'*b,'.repeat(9)}]\nd: [${'*c,'.repeat(90)}]\n`;
  for (const text of [bomb, '['.repeat(100_000), `${'- '.repeat(100_000)}x`])
    t.equal(refusal(text).code, 'FIELD_INVALID');
  await t.rejects(loadFieldReport('/nowhere/at/all.yaml'), { code: 'FIELD_NOT_FOUND' });
  await t.rejects(loadFieldReport('/dev/zero'), { code: 'FIELD_INVALID' });
  const binary = `${t.testdir({ 'r.yaml': Buffer.from([0xff, 0xfe, 0x00]) })}/r.yaml`;
  await t.rejects(loadFieldReport(binary), { code: 'FIELD_INVALID' });
  const whole = `${t.testdir({ 'w.yaml': second })}/w.yaml`;
  t.equal((await loadFieldReport(whole)).schema, 2);
});

t.test('a compressed attachment is read; a bomb and a damaged one are refused', async (t) => {
  const zipped = gzipSync(second);
  const dir = t.testdir({
    'r.yaml.gz': zipped,
    'bomb.gz': gzipSync(Buffer.alloc(64 * 2 ** 20)),
    'cut.gz': zipped.subarray(0, zipped.length / 2),
    'windows.yaml': Buffer.from(`\ufeff${second.replaceAll('\n', '\r\n')}`, 'utf16le'),
    'r.zip': Buffer.from('PK\x03\x04...', 'latin1'),
    'r.tgz': gzipSync(Buffer.concat([Buffer.alloc(257, 'r'), Buffer.from('ustar'), Buffer.alloc(250)])),
  });
  t.same(await loadFieldReport(`${dir}/windows.yaml`), parseFieldReport(second, 'r.yaml'));
  for (const [name, format] of [
    ['r.zip', 'zip'],
    ['r.tgz', 'tar'],
  ] as const)
    await t.rejects(loadFieldReport(`${dir}/${name}`), {
      code: 'FIELD_INVALID',
      message: new RegExp(`packed with ${format}: unpack it`),
    });
  t.same(await loadFieldReport(`${dir}/r.yaml.gz`), parseFieldReport(second, 'r.yaml'));
  await t.rejects(loadFieldReport(`${dir}/bomb.gz`), {
    code: 'FIELD_INVALID',
    message: /larger than 256 KiB/,
  });
  await t.rejects(loadFieldReport(`${dir}/cut.gz`), { code: 'FIELD_INVALID', message: /damaged or cut off/ });
});
