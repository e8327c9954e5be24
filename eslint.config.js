import js from '@eslint/js';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

// The one order of the harness: data flows left to right. A folder may import itself and folders to its left, never one
// to its right; that keeps every stage testable with plain values. The stages end with `report`; `run` puts them
// together, `fleet` runs cells on other machines, `field` asks guests through `run`, `library` is what commands and
// other programs call, `selftest` tries the stages on this computer, and `commands` are what `cli.ts` calls.
const order = [
  'axes',
  'matrix',
  'plan',
  'machine',
  'guest',
  'measure',
  'outcome',
  'store',
  'report',
  'run',
  'fleet',
  'field',
  'library',
  'selftest',
  'commands',
];

// What every folder may import: it depends on nothing in the harness.
const foundation = ['./errors.ts', './plain-text.ts'];

// What the harness may know of images/: what an image is, how it is built, what is spoken
// on the wire, the pure model of the tiers, and what workloads are called.
const ofImages = [
  './architectures.ts',
  './definitions.ts',
  './kernel-file.ts',
  './paths.ts',
  './build.ts',
  './errors.ts',
  './run-program.ts',
  './tools.ts',
  './bounded-json.ts',
  './archive/read-tar.ts',
  './bounded-file.ts',
  './temporary-folder.ts',
  './cache/private-folder.ts',
  './cache/cache-folder.ts',
  './guest/protocol.ts',
  './allocator',
  './wasm-host/workloads/catalogue.ts',
];

// Folders that know more of images/: the measuring program, the disks of a matrix's own subjects, every command of it.
const moreOfImages = {
  measure: [
    './archive/erofs.ts',
    './package-files.ts',
    './subject-disk.ts',
    './wasm-host/launch.ts',
    './wasm-host/measure-clock.ts',
    './wasm-host/measure-command.ts',
    './wasm-host/measure-v8.ts',
  ],
  run: ['./own-disk.ts', './subject-disk.ts', './source/own-kernel.ts'],
  fleet: ['./cache/image-cache.ts', './transfer.ts'],
  selftest: ['./cache/image-cache.ts'],
  commands: ['.'],
};

const buildZones = ({ isTest }) => [
  ...foundation.map((target) => ({
    target: `./harness/${target}`,
    from: './harness',
    except: foundation,
    message: 'errors.ts and plain-text.ts depend on no folder',
  })),
  ...order.flatMap((name, index) => [
    {
      target: `./harness/${name}`,
      from: './harness',
      except: [
        ...order.slice(0, index + 1).map((left) => `./${left}`),
        ...foundation,
        ...(isTest ? ['./fixtures'] : []),
      ],
      message: `${name}/ imports only itself and what stands to its left in eslint.config.js`,
    },
    {
      target: `./harness/${name}`,
      from: './images',
      except: [...ofImages, ...(moreOfImages[name] ?? [])],
      message: `${name}/ may import of images/ only what eslint.config.js lists`,
    },
  ]),
  {
    target: './harness/poolproof.ts',
    from: './harness',
    except: [...order.slice(0, order.indexOf('commands')).map((left) => `./${left}`), ...foundation],
    message: 'the library imports no command',
  },
  { target: './images', from: './harness', message: 'images/ never imports from harness/' },
  ...(isTest ? [] : ['./harness', './images']).map((target) => ({
    target,
    from: './scripts',
    message: 'scripts/ import the project, never the other way round',
  })),
  {
    target: './images/allocator',
    from: './images',
    except: ['./allocator'],
    message: 'the model of the tiers is pure and depends on nothing',
  },
  {
    target: './images/wasm-host',
    from: './images',
    except: ['./wasm-host', './allocator'],
    message: 'guest code depends on koffi, itself and the model',
  },
];

const restrictPaths = (zones) => ['error', { basePath: import.meta.dirname, zones }];

export default tseslint.config(
  { ignores: ['dist/', '.tap/', 'node_modules/', 'results/'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['eslint.config.js'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    plugins: { 'import-x': importX },
    settings: {
      'import-x/extensions': ['.ts', '.js'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      'import-x/resolver-next': [importX.createNodeResolver({ extensions: ['.ts', '.js'] })],
    },
    rules: {
      'import-x/no-restricted-paths': restrictPaths(buildZones({ isTest: false })),
      'import-x/no-cycle': 'error',
      'import-x/no-default-export': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'max-lines': ['error', { max: 350 }],
      'max-lines-per-function': ['error', { max: 60 }],
      // Prettier lays out code and leaves comments as they are.
      'max-len': ['error', { code: 10_000, comments: 120, ignoreUrls: true }],
      'no-console': 'error',
    },
  },
  {
    files: ['**/*.test.ts'],
    rules: {
      'import-x/no-restricted-paths': restrictPaths(buildZones({ isTest: true })),
      'max-lines': ['error', { max: 400 }],
      'max-lines-per-function': 'off',
      // tap's functions return promises that the runner itself awaits.
      '@typescript-eslint/no-floating-promises': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    // Tests of guest code run on the test machine, with the library the images are built from; a captured report is
    // tested through its reader.
    files: ['images/wasm-host/**/*.test.ts', 'images/capture/**/*.test.ts'],
    rules: { 'import-x/no-restricted-paths': 'off' },
  },
  {
    // Scripts that run in guests on any Node from 12 on: as a stranger would write them, without types.
    files: ['matrices/subjects/*.{cjs,mjs}'],
    ...tseslint.configs.disableTypeChecked,
    rules: {
      ...tseslint.configs.disableTypeChecked.rules,
      '@typescript-eslint/no-require-imports': 'off',
      'no-undef': 'off',
      'no-console': 'off',
    },
  },
  {
    files: ['eslint.config.js'],
    ...tseslint.configs.disableTypeChecked,
    rules: { ...tseslint.configs.disableTypeChecked.rules, 'import-x/no-default-export': 'off' },
  },
);
