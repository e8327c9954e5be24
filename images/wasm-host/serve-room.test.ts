import t from 'tap';
import { parseFacts } from '../allocator/parse-facts.ts';
import { GiB, KiB, MiB } from '../allocator/sizes.ts';
import { fitMemories, fitThreads, type ServingRoom } from './serve-room.ts';

const facts = parseFacts({});
const held = { virtual: 700 * MiB, writable: 50 * MiB, maps: 1000 };

t.test('as many threads as were wanted serve where no limit is near', (t) => {
  t.match(fitThreads(2, 0, held, facts), { threads: 2, shortfall: null });
  t.match(fitThreads(64, 4 * GiB, held, facts), { threads: 64, shortfall: null });
  t.end();
});

t.test('a limit leaves room for fewer threads, or for none, and is named', (t) => {
  const limited = (limit: number) => ({ ...facts, addressSpaceLimit: limit });
  t.match(fitThreads(2, 0, held, limited(860 * MiB)), { threads: 2, shortfall: null });
  t.match(fitThreads(2, 0, held, limited(859 * MiB)), {
    threads: 1,
    shortfall: { pool: 'process', limit: 'RLIMIT_AS', needed: 160 * MiB, available: 159 * MiB },
    held: { virtual: 812 * MiB },
  });
  t.match(fitThreads(2, 0, held, limited(811 * MiB)), {
    threads: 0,
    shortfall: { limit: 'RLIMIT_AS', needed: 112 * MiB, available: 111 * MiB },
    held,
  });
  t.match(
    fitThreads(2, 16 * MiB, held, limited(860 * MiB)),
    { threads: 1 },
    'instances need room of their own',
  );
  t.match(fitThreads(8, 0, held, { ...facts, dataLimit: 130 * MiB }), {
    threads: 2,
    shortfall: { limit: 'RLIMIT_DATA' },
  });
  const strict = { ...facts, overcommitMemory: 2 as const, commitLimit: 300 * MiB, committedAs: 200 * MiB };
  t.match(fitThreads(2, 0, held, strict), { threads: 0, shortfall: { limit: 'CommitLimit' } });
  t.match(fitThreads(2, 0, { ...held, maps: 64_000 }, { ...facts, maxMapCount: 64_200 }), {
    threads: 1,
    shortfall: { limit: 'max_map_count', unit: 'maps' },
  });
  t.end();
});

const cage = { reservedBytes: 10 * GiB, initialBytes: 128 * KiB, isGuarded: true };
const room: ServingRoom = { threads: 2, shortfall: null, held };

t.test(
  'garbage of V8 takes the room there is beyond the slots, and is collected where there is none',
  (t) => {
    t.equal(fitMemories(cage, room, facts), 500);
    t.equal(fitMemories(cage, room, { ...facts, addressSpaceLimit: 512 * GiB }), 25, '51 of 10 GiB');
    t.equal(fitMemories(cage, room, { ...facts, addressSpaceLimit: 165 * GiB }), 8, '16 of 10 GiB');
    t.equal(fitMemories(cage, room, { ...facts, addressSpaceLimit: 25 * GiB }), 1);
    t.equal(fitMemories(cage, room, { ...facts, addressSpaceLimit: 2 * GiB }), 1, 'never none');
    t.equal(fitMemories(cage, room, { ...facts, maxMapCount: 1400 }), 50, 'four mappings each');
    t.equal(
      fitMemories({ ...cage, initialBytes: 64 * MiB }, room, { ...facts, dataLimit: GiB }),
      7,
      'their pages count as writable',
    );
    t.end();
  },
);

t.test('memories without guard regions are counted as large as they may grow', (t) => {
  const small = { reservedBytes: 4 * MiB, initialBytes: 128 * KiB, isGuarded: false };
  t.equal(fitMemories(small, room, facts), 64);
  t.equal(fitMemories(small, room, { ...facts, addressSpaceLimit: 900 * MiB }), 25);
  t.equal(
    fitMemories({ ...small, reservedBytes: 4 * GiB }, room, { ...facts, addressSpaceLimit: 2 * GiB }),
    1,
  );
  t.end();
});
