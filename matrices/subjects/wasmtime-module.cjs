// Compiles with libwasmtime what needs more than the oldest x86-64: f64.floor (SSE4.1) and, with SIMD, a v128 module.
const koffi = require('koffi');

const lib = koffi.load(process.env.LIBRARY ?? process.argv[2]);
const pointer = 'void *';
const engineNew = lib.func('wasm_engine_new', pointer, []);
const moduleNew = lib.func('wasmtime_module_new', pointer, [pointer, pointer, 'size_t', pointer]);
const messageOf = lib.func('wasmtime_error_message', 'void', [pointer, pointer]);

// (module (func (export "f") (param f64) (result f64) (f64.floor (local.get 0))))
const floor = Buffer.from('0061736d0100000001060160017c017c03020100070501016600000a0701050020009c0b', 'hex');
// (module (func (export "f") (drop (v128.const i64x2 0 0))))
const simd = Buffer.from(
  '0061736d01000000010401600000030201000705010166 00000a170115 00fd0c 00000000000000000000000000000000 1a0b'.replaceAll(
    ' ',
    '',
  ),
  'hex',
);
// SIMD=off: as an embedder that wants old processors configures it.
const makeEngine = () => {
  if (process.env.SIMD !== 'off') return engineNew();
  const config = lib.func('wasm_config_new', pointer, [])();
  for (const feature of ['relaxed_simd', 'simd']) {
    try {
      lib.func(`wasmtime_config_wasm_${feature}_set`, 'void', [pointer, 'bool'])(config, false);
    } catch {
      // A version that does not know the feature has nothing to turn off.
    }
  }
  return lib.func('wasm_engine_new_with_config', pointer, [pointer])(config);
};
const engine = makeEngine();
for (const [name, bytes] of Object.entries({ floor, simd })) {
  if (process.env.ONLY !== undefined && process.env.ONLY !== name) continue;
  const error = moduleNew(engine, bytes, bytes.length, Buffer.alloc(8));
  if (error) {
    const vector = Buffer.alloc(16);
    messageOf(error, vector);
    const text = Buffer.from(
      koffi.view(vector.readBigUInt64LE(8), Number(vector.readBigUInt64LE(0))),
    ).toString();
    console.error(`${name}: ${text.replaceAll('\n', ' | ')}`);
    process.exit(1);
  }
  console.log(`${name} compiled`);
}
