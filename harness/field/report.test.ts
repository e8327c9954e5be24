import { execa } from 'execa';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { PoolproofError } from '../errors.ts';
import { loadFieldReport, maxReportBytes, parseFieldReport } from './report.ts';

const script = fileURLToPath(new URL('../../images/capture/capture.sh', import.meta.url));
const { stdout: captured } = await execa('sh', [script, '--', 'sh', '-c', 'echo "no: memory $(id)"; exit 3']);

function refusal(text: string): PoolproofError {
  try {
    parseFieldReport(text, 'r.yaml');
  } catch (error) {
    if (error instanceof PoolproofError) return error;
    throw error;
  }
  throw new Error('the report was taken');
}

t.test('what capture.sh prints is read', (t) => {
  const report = parseFieldReport(captured, 'r.yaml');
  t.match(report.command, { exit: 3, signal: 'none' });
  t.type(report.memory.totalKib, 'number');
  t.match(report.resourceLimits.cpu, { soft: 'unlimited' });
  const blank = captured.replace(/^( {2}\w+): \d+$/gm, '$1: unknown');
  t.equal(parseFieldReport(blank, 'r.yaml').memory.totalKib, null, 'unknown is null');
  t.end();
});

t.test('shell in a value stays text', (t) => {
  const text = captured.replace(/^ {2}release: .*$/m, '  release: "$(reboot); `x` \\" && rm -rf ~"');
  t.equal(parseFieldReport(text, 'r.yaml').kernel.release, '$(reboot); `x` " && rm -rf ~');
  t.end();
});

t.test('each refusal names the field, its place and the reason', (t) => {
  const rows: readonly (readonly [pattern: RegExp, by: string, code: string, message: RegExp])[] = [
    [/^poolproof: .*/m, 'poolproof: wasm-host', 'FIELD_INVALID', /^poolproof is not field-report/],
    [/^schema: 1/m, 'schema: 2', 'FIELD_SCHEMA', /^schema is 2; this poolproof reads 1/],
    [/^schema: 1/m, 'schema: 0', 'FIELD_INVALID', /^schema is not as it should be/],
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
    [/^ {2}exit: 3/m, '  exit: 300', 'FIELD_INVALID', /command\.exit is larger/],
    [
      /^ {2}signal: .*/m,
      '  signal: "KILL -9"',
      'FIELD_INVALID',
      /command\.signal is not the name of a signal/,
    ],
    [/^kernel:/m, 'kernel: !!js/function x\nmore:', 'FIELD_INVALID', /./],
    [/^[^]*$/, 'memory: [', 'FIELD_INVALID', /./],
    [/^[^]*$/, '', 'FIELD_INVALID', /./],
    [/^[^]*$/, '42', 'FIELD_INVALID', /^the report is not/],
  ];
  for (const [pattern, by, code, message] of rows) {
    const changed = captured.replace(pattern, () => by);
    t.not(changed, captured, by.slice(0, 40));
    const error = refusal(changed);
    t.equal(error.code, code, `${by.slice(0, 40)}: ${error.message}`);
    t.match(error.message, message);
    t.equal(error.details.file, 'r.yaml');
    t.ok((error.details.line ?? 0) >= 1);
  }
  t.end();
});

t.test('hostile sizes are refused quickly', async (t) => {
  t.match(refusal(`${captured}# ${'x'.repeat(maxReportBytes)}`).message, /larger than 256 KiB/);
  const started = performance.now();
  refusal(
    `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [${'*a,'.repeat(9)}]\nc: &c [${'*b,'.repeat(9)}]\nd: [${'*c,'.repeat(90)}]\n`,
  );
  refusal('['.repeat(100_000));
  refusal(`${'- '.repeat(100_000)}x`);
  t.ok(performance.now() - started < 3000);
  await t.rejects(loadFieldReport('/nowhere/at/all.yaml'), { code: 'FIELD_NOT_FOUND' });
  await t.rejects(loadFieldReport('/dev/zero'), { code: 'FIELD_INVALID' });
  const binary = `${t.testdir({ 'r.yaml': Buffer.from([0xff, 0xfe, 0x00]) })}/r.yaml`;
  await t.rejects(loadFieldReport(binary), { code: 'FIELD_INVALID' });
  const whole = `${t.testdir({ 'w.yaml': captured })}/w.yaml`;
  t.equal((await loadFieldReport(whole)).schema, 1);
});
