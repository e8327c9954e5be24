/** zstd of @bokuweb/zstd-wasm, through its raw exports. */
import type { Start } from './instance.ts';

/** Minified names of the pinned version (dist/common/zstd.js names them). */
const names = {
  memory: 'f',
  construct: 'g',
  bound: 'i',
  compress: 'm',
  decompress: 'r',
  malloc: 's',
} as const;

/** The package's default. */
const level = 3;

/** Enough that malloc never grows the memory: that would be an imported function. */
const roomPages = 256;

/** A run compresses the source file, or decompresses it again, `length` times. */
export const startZstd =
  (direction: 'compress' | 'decompress'): Start =>
  ({ load, read }) => {
    const instance = load('zstd').instantiate({ memory: names.memory });
    instance.grow(roomPages);
    instance.call(names.construct);
    const source = read('source.js');
    const bound = instance.call(names.bound, source.length);
    const plain = instance.call(names.malloc, source.length);
    const packed = instance.call(names.malloc, bound);
    const back = instance.call(names.malloc, source.length);
    instance.memory().set(source, plain);
    const compress = () => instance.call(names.compress, packed, bound, plain, source.length, level);
    const size = compress();
    const decompress = () => instance.call(names.decompress, back, source.length, packed, size);
    const step = direction === 'compress' ? compress : decompress;
    return {
      run: (length) => {
        let result = 0;
        for (let count = 0; count < length; count += 1) result = step();
        return result;
      },
      output: () => {
        const [at, bytes] = direction === 'compress' ? [packed, size] : [back, source.length];
        return Buffer.from(instance.memory().slice(at, at + bytes)).toString('base64');
      },
      drop: instance.drop,
    };
  };
