/**
 * Lint rules: what the type checker cannot say.
 *
 * Three things are enforced here rather than by goodwill: the floors (which folder may import which), the purity of
 * the decision core (no clock, no chance, no promise), and sizes that keep a function readable in one look.
 * An exemption is written at its place, `// eslint-disable-next-line rule -- why`; a bare one is an error.
 */
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/**
 * The floors. Each folder of src/ with what it may import of the others: `values`, or `types` alone (a type binds
 * two folders at compile time only). What is not named is forbidden, so a new folder has to be put here first.
 */
const FLOORS = {
  contract: { values: [], types: [] },
  core: { values: [], types: ['contract'] },
  zookeeper: { values: [], types: [] },
  redis: { values: ['contract'], types: [] },
  config: { values: ['contract'], types: [] },
  log: { values: ['contract'], types: [] },
  // The bounds and the format of a record stand beside its type, in core; names and bounds of settings in config.
  records: { values: ['contract', 'core', 'config'], types: [] },
  peers: { values: ['contract'], types: [] },
  agent: { values: ['contract', 'core', 'zookeeper', 'redis', 'config', 'log', 'records', 'peers'], types: [] },
  // The server end of a peer stream is an HTTP request: http answers it in the words of peers.
  http: { values: ['contract', 'peers'], types: ['agent', 'config', 'log'] },
  services: { values: ['contract', 'records'], types: ['zookeeper', 'core'] },
  sentinel: { values: ['contract'], types: ['agent', 'config', 'log'] },
};

const floorZones = Object.entries(FLOORS).map(([folder, may]) => ({
  target: `./src/${folder}`,
  from: './src',
  except: [folder, ...may.values, ...may.types].map((name) => `./${name}`),
  message: `src/${folder} may import only ${[...may.values, ...may.types].join(', ') || 'itself'}.`,
}));

/** The core and the simulator's models see no package and no builtin: whatever they need comes in as an input. */
const CORE_IMPORTS = { regex: '^[^.]', message: 'The decision core imports no package and no builtin.' };

const typesOnlyFloors = Object.entries(FLOORS)
  .filter(([, may]) => may.types.length > 0)
  .map(([folder, may]) => ({
    files: [`src/${folder}/**/*.ts`],
    ignores: ['**/*.test.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': ['error', {
        patterns: [{
          regex: `^(\\.\\./)+(${may.types.join('|')})/`,
          allowTypeImports: true,
          message: `src/${folder} may import types alone from ${may.types.join(', ')}.`,
        }, ...(folder === 'core' ? [CORE_IMPORTS] : [])],
      }],
    },
  }));

const IMPURE_GLOBALS = [
  'Date', 'Promise', 'performance', 'process', 'crypto', 'fetch', 'console', 'Buffer', 'globalThis',
  'setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'queueMicrotask',
].map((name) => ({ name, message: 'The core is pure: time, chance and effects are inputs and actions.' }));

const IMPURE_SYNTAX = [
  { selector: ':function[async=true]', message: 'The core is synchronous: effects are actions.' },
  { selector: 'AwaitExpression', message: 'The core is synchronous: effects are actions.' },
  { selector: 'ImportExpression', message: 'The core loads nothing at run time.' },
  {
    selector: 'Program > VariableDeclaration[kind="let"], ExportNamedDeclaration > VariableDeclaration[kind="let"]',
    message: 'No state at module level: several nodes run in one process.',
  },
];

const sizes = {
  'max-lines-per-function': ['error', { max: 70, skipComments: true, skipBlankLines: true }],
  'max-lines': ['error', { max: 400, skipComments: true, skipBlankLines: true }],
  'max-depth': ['error', 3],
  'max-params': ['error', 4],
  complexity: ['error', { max: 20, variant: 'modified' }],
};

const correctness = {
  eqeqeq: 'error',
  'no-empty': ['error', { allowEmptyCatch: false }],
  'no-console': 'error',
  'no-param-reassign': 'error',
  'no-var': 'error',
  'prefer-const': 'error',
  'object-shorthand': 'error',
  '@typescript-eslint/consistent-type-imports': 'error',
  '@typescript-eslint/consistent-type-exports': 'error',
  '@typescript-eslint/no-import-type-side-effects': 'error',
  '@typescript-eslint/prefer-nullish-coalescing': 'error',
  '@typescript-eslint/prefer-optional-chain': 'error',
  '@typescript-eslint/prefer-readonly': 'error',
  '@typescript-eslint/no-shadow': 'error',
  // A union of ours is switched over in full: a `default:` would hide the member added next year.
  '@typescript-eslint/switch-exhaustiveness-check': ['error', {
    allowDefaultCaseForExhaustiveSwitch: false,
    considerDefaultExhaustiveForUnions: false,
    requireDefaultForNonUnion: true,
  }],
  '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
  '@typescript-eslint/no-confusing-void-expression': ['error', {
    // `return enterMaster(state)` in a function without a result reads as what it is: done, and out.
    ignoreArrowShorthand: true,
    ignoreVoidReturningFunctions: true,
  }],
  '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: 'only-allowed-literals' }],
  '@typescript-eslint/no-misused-spread': ['error', { allow: ['string'] }],
  '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
  'import-x/no-cycle': ['error', { ignoreExternal: true }],
  'import-x/no-duplicates': 'error',
  'import-x/no-self-import': 'error',
};

export default tseslint.config(
  { ignores: ['node_modules/', 'dist/', '.tools/', '.cache/', 'coverage/', 'bench/results/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },

  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    plugins: { 'import-x': importX },
    languageOptions: { parserOptions: { project: ['./tsconfig.json'], tsconfigRootDir: import.meta.dirname } },
    settings: {
      'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts', '.js'] })],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      'import-x/extensions': ['.ts'],
    },
    rules: { ...sizes, ...correctness },
  },

  {
    files: ['src/**/*.ts'],
    rules: { 'import-x/no-restricted-paths': ['error', { basePath: import.meta.dirname, zones: floorZones }] },
  },
  ...typesOnlyFloors,
  {
    files: ['src/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'import-x/no-restricted-paths': ['error', {
        basePath: import.meta.dirname,
        zones: [...floorZones, {
          target: './src',
          from: ['./test', './demo', './bench', './scripts', './sim', './chaos'],
          message: 'What is shipped imports nothing of what tests it.',
        }],
      }],
    },
  },

  {
    files: ['src/core/**/*.ts', 'sim/**/*.ts'],
    ignores: ['**/*.test.ts', 'sim/command/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...IMPURE_GLOBALS],
      'no-restricted-syntax': ['error', ...IMPURE_SYNTAX],
      'no-restricted-properties': ['error', {
        object: 'Math', property: 'random', message: 'Chance is an input.',
      }],
    },
  },

  // What talks to a terminal by trade.
  {
    files: ['demo/**/*.ts', 'bench/**/*.ts', 'chaos/**/*.ts', 'sim/command/**/*.ts', 'scripts/**/*'],
    rules: { 'no-console': 'off' },
  },

  // Tests tell a story: they may be long, assert what they know to be there, and drive things as users would.
  {
    files: ['**/*.test.ts', 'test/**/*.ts'],
    rules: {
      'max-lines-per-function': 'off',
      'max-lines': ['error', { max: 600, skipComments: true, skipBlankLines: true }],
      'no-console': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },

  // Build scripts are plain JavaScript: they run before anything is compiled.
  {
    files: ['**/*.mjs', '**/*.js', '**/*.cjs'],
    rules: { ...sizes, eqeqeq: 'error', 'no-empty': ['error', { allowEmptyCatch: false }], 'no-var': 'error' },
  },
);
