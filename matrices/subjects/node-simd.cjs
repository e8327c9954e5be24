// A module with one v128 instruction, and one without, which every program could fall back to.
// (module (func (export "f") (drop (v128.const i64x2 0 0))))
const simd = Uint8Array.from([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 0x66, 0, 0, 10, 23, 1, 21, 0,
  0xfd, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x1a, 0x0b,
]);
// (module (func (export "f")))
const plain = Uint8Array.of(
  0,
  0x61,
  0x73,
  0x6d,
  1,
  0,
  0,
  0,
  1,
  4,
  1,
  0x60,
  0,
  0,
  3,
  2,
  1,
  0,
  7,
  5,
  1,
  1,
  0x66,
  0,
  0,
  10,
  4,
  1,
  2,
  0,
  0x0b,
);

const run = (bytes) => new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports.f();

run(plain);
console.log('a module without SIMD runs');
try {
  run(simd);
} catch (error) {
  console.error(String(error));
  process.exit(1);
}
console.log('a module with SIMD runs');
