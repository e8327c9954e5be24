import t from 'tap';
import { serveMetrics } from './metrics.ts';

t.test('a worker counts its cells for Prometheus', async (t) => {
  await using metrics = await serveMetrics('127.0.0.1:0', 4);
  metrics.onCell('started', 'a#1');
  metrics.onCell('started', 'b#1');
  metrics.onCell('ended', 'a#1');
  metrics.onCell('dropped', 'c#1');
  const response = await fetch(metrics.address);
  t.match(response.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
  const lines = (await response.text()).split('\n').filter((line) => /^poolproof/.test(line));
  t.same(lines.sort(), [
    'poolproof_worker_cells_running 1',
    'poolproof_worker_cells_total{end="dropped"} 1',
    'poolproof_worker_cells_total{end="ended"} 1',
    'poolproof_worker_guests 4',
  ]);
  t.equal((await fetch(metrics.address.replace('metrics', ''))).status, 404);
});

t.test('a place where nothing can listen is refused with one that works', async (t) => {
  for (const place of ['here', '127.0.0.1:99999', '203.0.113.1:1'])
    await t.rejects(serveMetrics(place, 1), { code: 'USAGE', details: { hint: /127\.0\.0\.1:9464/ } }, place);
});
