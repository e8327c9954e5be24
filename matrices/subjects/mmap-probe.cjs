// Maps what an engine maps that cannot be had: SIZE bytes, with PROTECTION none or rw, COUNT times. SPLIT makes the
// first page of each mapping writable, as an engine does for a memory, and with it a mapping of its own.
const koffi = require('koffi');

const libc = koffi.load('libc.so.6');
const mmap = libc.func('intptr_t mmap(intptr_t, uint64_t, int, int, int, int64_t)');
const mprotect = libc.func('int mprotect(intptr_t, uint64_t, int)');
const size = BigInt(process.env.SIZE ?? '0x100000000');
const writable = process.env.PROTECTION === 'rw';
const count = Number(process.env.COUNT ?? 1);
const names = Object.fromEntries(Object.entries(koffi.os.errno).map(([name, number]) => [number, name]));

const refuse = (done, call) => {
  const errno = koffi.errno();
  const text = names[errno] === 'ENOMEM' ? 'Cannot allocate memory' : names[errno];
  console.error(
    `${done} mappings of 0x${size.toString(16)} bytes, then ${call}: ${text} (os error ${errno})`,
  );
  process.exit(1);
};

for (let done = 0; done < count; done += 1) {
  // MAP_PRIVATE | MAP_ANONYMOUS, without MAP_NORESERVE: what is writable is charged.
  const at = mmap(0, size, writable ? 3 : 0, 0x22, -1, 0);
  if (BigInt(at) === -1n) refuse(done, 'mmap');
  if (process.env.SPLIT !== undefined && mprotect(at, 4096, 3) !== 0) refuse(done, 'mprotect');
}
console.log(`${count} mappings of 0x${size.toString(16)} bytes`);
