import t from 'tap';
import { workloads } from '../../images/wasm-host/workloads/catalogue.ts';
import { tellWorkloads } from './format-workloads.ts';

t.test('a kind stands for its workloads when all of them are meant', (t) => {
  const lives = workloads.filter(({ kind }) => kind === 'life-cycle').map(({ name }) => name);
  t.equal(
    tellWorkloads(['bulk-memory', ...lives, 'round-robin']),
    'bulk-memory, round-robin, life-cycle (all 16)',
  );
  t.equal(tellWorkloads(lives.slice(1, 3)), 'instantiate-64k-touch-4, instantiate-64k-touch-15');
  t.equal(tellWorkloads(['not measured']), 'not measured');
  t.end();
});
