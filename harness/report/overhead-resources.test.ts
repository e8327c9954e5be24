import t from 'tap';
import { resources } from '../fixtures/overhead/figures.ts';
import { renderResources } from './overhead-resources.ts';

const counted = resources.slice(0, 1);

t.test('start and memory of each configuration are in one table', (t) => {
  const timed = counted.map((one) => ({ ...one, startToFirstCall: { clock: 'time', ms: 310.4 } as const }));
  const text = renderResources(timed);
  t.match(text, /standard\/elided +310 ms +61 MiB +3604 MiB +4\.23 TiB/);
  t.match(text, /start to first call +resident +committed +reserved/);
  t.end();
});

t.test('the start of an emulated process is in instructions, never in time', (t) => {
  const text = renderResources(counted);
  t.match(text, /standard\/elided +233 M instructions/);
  t.notMatch(text, / ms/);
  t.end();
});
