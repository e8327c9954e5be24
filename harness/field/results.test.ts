import t from 'tap';
import { parseCellName } from './results.ts';

t.test('the @ of a version is no name of a run', (t) => {
  const rows: readonly (readonly [text: string, settings: object, run: string | null])[] = [
    ['memory=1G,subject=deno@2.9.6,overcommit=2', { subject: 'deno@2.9.6', overcommit: 2 }, null],
    ['overcommit=2,subject=deno@2.9.6', { subject: 'deno@2.9.6', overcommit: 2 }, null],
    ['engine=wasmtime@38.0.0,memory=1G', { engine: 'wasmtime@38.0.0' }, null],
    ['engine=wasmtime@38.0.0', { engine: 'wasmtime@38.0.0' }, null],
    ['subject=deno@2.9.6,memory=1G@latest', { subject: 'deno@2.9.6' }, 'latest'],
    ['subject=deno@2.9.6@latest', { subject: 'deno@2.9.6' }, 'latest'],
    ['subject=wash@20261124T001122Z-abcdef', { subject: 'wash' }, '20261124T001122Z-abcdef'],
    ['engine=wasmtime@latest', { engine: 'wasmtime' }, 'latest'],
    ['memory=1G@20261124T001122Z-abcdef', { subject: 'wasm-host' }, '20261124T001122Z-abcdef'],
  ];
  for (const [text, settings, run] of rows) t.match(parseCellName(text), { settings, run }, text);
  t.end();
});
