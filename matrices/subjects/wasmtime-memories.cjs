// MEMORIES memories of libwasmtime, each in a store of its own and all kept: an on-demand host that keeps its
// instances, with the engine's own defaults. The library is that of the cell, or LIBRARY.
const koffi = require('koffi');

const lib = koffi.load(process.env.LIBRARY ?? process.argv[2]);
const wanted = Number(process.env.MEMORIES ?? 2);
const pointer = 'void *';
const engineNew = lib.func('wasm_engine_new', pointer, []);
const storeNew = lib.func('wasmtime_store_new', pointer, [pointer, pointer, pointer]);
const contextOf = lib.func('wasmtime_store_context', pointer, [pointer]);
const typeNew = lib.func('wasm_memorytype_new', pointer, [pointer]);
const memoryNew = lib.func('wasmtime_memory_new', pointer, [pointer, pointer, pointer]);
const messageOf = lib.func('wasmtime_error_message', 'void', [pointer, pointer]);

const engine = engineNew();
const limits = Buffer.alloc(8); // wasm_limits_t: min, max
limits.writeUInt32LE(1, 0);
limits.writeUInt32LE(0xffffffff, 4); // no maximum
const type = typeNew(limits);
for (let count = 0; count < wanted; count += 1) {
  const store = storeNew(engine, null, null);
  const error = memoryNew(contextOf(store), type, Buffer.alloc(64));
  if (!error) continue;
  const vector = Buffer.alloc(16);
  messageOf(error, vector);
  const text = Buffer.from(
    koffi.view(vector.readBigUInt64LE(8), Number(vector.readBigUInt64LE(0))),
  ).toString();
  console.error(`${count} memories, then ${text.replaceAll('\n', ' | ')}`);
  process.exit(1);
}
console.log(`${wanted} memories`);
