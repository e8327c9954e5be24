import t from 'tap';
import { defaultSettings } from '../axes/table.ts';
import { checkMemory } from './check-memory.ts';
import { readPromisedMib } from './computer.ts';
import { parsePromisedMib } from './parse-computer.ts';

const gib = 2 ** 30;

t.test('a guest of more than the computer promises is refused by the name of its cell', (t) => {
  const cell = { id: 'memory=64G', settings: { ...defaultSettings(), memory: 64 * gib } };
  t.throws(() => checkMemory(cell, 24_000.5), {
    code: 'NO_MEMORY',
    message: 'memory=64G: this computer has no room for a guest of 64G; its kernel promises a process 24000M',
    details: { hint: 'leave it out: --only memory!=64G; or allow it: sysctl vm.overcommit_memory=1' },
  });
  checkMemory(cell, 64 * 1024);
  checkMemory(cell, Infinity);
  t.pass('as much as there is fits');
  t.end();
});

t.test('what a kernel promises follows from its overcommit mode', (t) => {
  const meminfo =
    'MemTotal:       4194304 kB\nSwapTotal:      1048576 kB\nCommitLimit:    3145728 kB\nCommitted_AS:   1048576 kB\n';
  t.equal(parsePromisedMib({ meminfo, overcommit: '0\n' }), 5120, 'RAM and swap');
  t.equal(parsePromisedMib({ meminfo, overcommit: '1\n' }), Infinity, 'anything');
  t.equal(parsePromisedMib({ meminfo, overcommit: '2\n' }), 2048, 'what CommitLimit leaves');
  t.equal(parsePromisedMib({ meminfo: '', overcommit: '' }), Infinity, 'what cannot be read refuses nothing');
  t.end();
});

t.test('a computer is asked for both', async (t) => {
  const root = t.testdir({
    proc: { meminfo: 'MemTotal: 2048 kB\nSwapTotal: 0 kB\n', sys: { vm: { overcommit_memory: '0\n' } } },
  });
  t.equal(await readPromisedMib(root), 2);
});
