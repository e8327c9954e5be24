import path from 'node:path';
import t from 'tap';
import { loadMatrix } from './load.ts';

const subject = `subject:
  name: server
  run: ['{files}/server']
  files:
    server: ./server
  tiers: { standard: '^on$' }
axes: { memory: [1G] }
`;

t.test(
  'a file of a subject that is not there is refused with its place, before a run and not for a plan',
  async (t) => {
    const dir = t.testdir({ 'm.yaml': subject, there: { 'm.yaml': subject, server: '' } });
    const file = path.join(dir, 'm.yaml');
    t.equal((await loadMatrix(file)).size, 1);
    t.equal((await loadMatrix(path.join(dir, 'there/m.yaml'), { requireFiles: true })).size, 1);
    await t.rejects(loadMatrix(file, { requireFiles: true }), {
      code: 'MATRIX_INVALID',
      problems: [
        { code: 'MATRIX_BAD_VALUE', message: /^a file of the subject `server` is not there/, line: 5 },
      ],
    });
  },
);

t.test('a rule that demands a tier nobody tells is refused with its place', async (t) => {
  const rule = (demand: string): string =>
    `${subject}expect:\n  - where: { subject: server }\n    ${demand}\n`;
  const rows = [
    ['tier: standard', null],
    ['tier: { at least: conservative }', null],
    ['tier: conservative', /^the subject `server` has no pattern for conservative/],
    ['tier: { at least: conservative }', null],
    ['outcome: crashed', null],
  ] as const;
  for (const [demand, message] of rows) {
    const file = path.join(t.testdir({ 'm.yaml': rule(demand) }), 'm.yaml');
    if (message === null) t.equal((await loadMatrix(file)).size, 1, demand);
    else
      await t.rejects(loadMatrix(file), {
        code: 'MATRIX_INVALID',
        problems: [{ code: 'MATRIX_BAD_VALUE', message, line: 10 }],
      });
  }
});
