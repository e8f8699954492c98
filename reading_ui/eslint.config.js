/**
 * House rules that a machine can hold: no `any`, one door to the network, words in words files. Import cycles are
 * found by tests/import_cycles.test.ts.
 */
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

const network = ['fetch', 'EventSource', 'XMLHttpRequest', 'WebSocket'].map((name) => ({
  name,
  message: 'Only src/api/ speaks to the server; the pixel loader of the image viewer is the one exception.',
}));

const hanLiteral = 'Words belong into a words file, so that both languages have them.';
const han = '[\\u3400-\\u9fff\\uf900-\\ufaff]';

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '*.js'] },
  ...tseslint.configs.strict,
  {
    files: ['**/*.ts', '**/*.tsx'],
    plugins: { 'react-hooks': reactHooks },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      'react-hooks/rules-of-hooks': 'error',
      'react-hooks/exhaustive-deps': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'error',
      'max-lines': ['error', { max: 400 }],
      'no-restricted-globals': ['error', ...network],
      'no-restricted-properties': [
        'error',
        ...network.map(({ name, message }) => ({ object: 'window', property: name, message })),
      ],
    },
  },
  {
    files: ['src/**/*.ts', 'src/**/*.tsx'],
    ignores: ['src/**/words.ts', 'src/**/words_*.ts', 'src/words/*.ts', 'src/**/*.test.ts', 'src/**/*.test.tsx'],
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: `Literal[value=/${han}/]`, message: hanLiteral },
        { selector: `TemplateElement[value.raw=/${han}/]`, message: hanLiteral },
        { selector: `JSXText[value=/${han}/]`, message: hanLiteral },
      ],
    },
  },
  {
    files: ['src/**/*.ts', 'src/**/*.tsx'],
    ignores: ['src/image_viewer/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['@cornerstonejs/*'], message: 'Cornerstone stays inside src/image_viewer/.' }] },
      ],
    },
  },
  { files: ['src/api/types.ts'], rules: { 'max-lines': 'off' } },
  {
    files: ['src/api/*.ts', 'src/image_viewer/loader.ts', 'src/image_viewer/*_loader.ts', 'tests/**'],
    rules: { 'no-restricted-globals': 'off', 'no-restricted-properties': 'off' },
  },
);
