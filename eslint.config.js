import js from '@eslint/js';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

// The stages in the order data flows. A stage may import itself and stages to its left,
// never one to its right: that keeps every stage testable with plain values.
const stages = ['axes', 'matrix', 'plan', 'machine', 'guest', 'outcome', 'store', 'report'];

// What the harness may know of images/: what an image is, how it is built, what is spoken
// on the wire, the pure model of the tiers, and what workloads are called.
const fromImages = [
  './definitions.ts',
  './project.ts',
  './build.ts',
  './errors.ts',
  './run-program.ts',
  './bounded-json.ts',
  './archive/read-tar.ts',
  './bounded-file.ts',
  './temporary-folder.ts',
  './cache/private-folder.ts',
  './guest/protocol.ts',
  './allocator',
  './wasm-host/workloads/catalogue.ts',
  './cache/cache-folder.ts',
];

// What an overhead is and how it is told: results carry it, verdicts and reports speak of it. The rest of
// harness/overhead measures, and only what runs cells knows it.
const overheadValues = ['summary', 'cell-overhead', 'format-figure', 'tell-workloads'].map(
  (name) => `./overhead/${name}.ts`,
);

const zones = [
  ...stages.map((stage, index) => ({
    target: `./harness/${stage}`,
    from: './harness',
    except: [
      ...stages.slice(0, index + 1).map((name) => `./${name}`),
      ...(index < stages.indexOf('outcome') ? [] : overheadValues),
      './errors.ts',
      './plain-text.ts',
      './fixtures',
    ],
    message: `${stage} imports only itself, errors.ts and stages to its left`,
  })),
  ...stages.map((stage) => ({
    target: `./harness/${stage}`,
    from: './images',
    except: fromImages,
    message: 'the harness knows of images/ only definitions, build, protocol, errors and allocator',
  })),
  {
    target: './harness/field',
    from: './harness',
    except: [
      './field',
      './run',
      './errors.ts',
      './plain-text.ts',
      './fixtures',
      ...stages.map((name) => `./${name}`),
    ],
    message: 'field asks guests through run/ and knows the stages; commands/ know it',
  },
  {
    target: './harness/field',
    from: './images',
    except: fromImages,
    message: 'the harness knows of images/ only definitions, build, protocol, errors and allocator',
  },
  { target: './images', from: './harness', message: 'images/ never imports from harness/' },
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
    settings: { 'import-x/resolver-next': [importX.createNodeResolver({ extensions: ['.ts', '.js'] })] },
    rules: {
      'import-x/no-restricted-paths': ['error', { basePath: import.meta.dirname, zones }],
      'import-x/no-default-export': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'max-lines': ['error', { max: 400 }],
      'no-console': 'error',
    },
  },
  {
    files: ['**/*.test.ts'],
    rules: {
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
