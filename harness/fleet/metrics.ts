/** What a worker does, for Prometheus: `GET /metrics`. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Counter, Gauge, Registry } from 'prom-client';
import { PoolproofError } from '../errors.ts';

export type Metrics = AsyncDisposable &
  Readonly<{
    /** `http://127.0.0.1:9464/metrics`. */
    address: string;
    onCell: (kind: 'started' | 'ended' | 'dropped', cell: string) => void;
  }>;

/**
 * @param place `127.0.0.1:9464`; port 0 is one that the kernel picks
 * @param guests at a time
 * @throws PoolproofError USAGE where nothing can listen there
 */
export async function serveMetrics(place: string, guests: number): Promise<Metrics> {
  const [, host = '', port = ''] = /^(.+):(\d{1,5})$/.exec(place) ?? [];
  const registry = new Registry();
  const registers = [registry];
  const running = new Gauge({
    name: 'poolproof_worker_cells_running',
    help: 'Cells that run now',
    registers,
  });
  const ended = new Counter({
    name: 'poolproof_worker_cells_total',
    help: 'Cells that ended here, or were handed back or lost',
    labelNames: ['end'],
    registers,
  });
  new Gauge({ name: 'poolproof_worker_guests', help: 'Guests at a time', registers }).set(guests);
  const server = createServer((request, response) => {
    const isMetrics = request.url === '/metrics';
    void registry.metrics().then((body) => {
      response.writeHead(isMetrics ? 200 : 404, { 'content-type': registry.contentType });
      response.end(isMetrics ? body : '');
    });
  });
  try {
    // Without a host Node listens on every address.
    if (host === '') throw new RangeError('an address and a port are needed');
    server.listen(Number(port), host.replace(/^\[|\]$/g, ''));
    await once(server, 'listening');
  } catch (cause) {
    throw new PoolproofError('USAGE', `--metrics ${place}: nothing can listen there`, {
      cause,
      hint: '--metrics 127.0.0.1:9464',
    });
  }
  const bound = server.address() as AddressInfo;
  const shownHost = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
  const cells = new Set<string>();
  return {
    address: `http://${shownHost}:${bound.port}/metrics`,
    onCell: (kind, cell) => {
      if (kind === 'started') cells.add(cell);
      else cells.delete(cell);
      running.set(cells.size);
      if (kind !== 'started') ended.inc({ end: kind });
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
