/** Foreign subjects in real guests: each way of being up, limits that reach them, and honest ends. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { resolveCacheFolder } from '../images/cache/cache-folder.ts';
import { parseMatrix } from './matrix/load.ts';
import { runMatrix } from './run/run.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'poolproof-test-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

const mib = 2 ** 20;

const text = `
subjects:
  line:
    run:
      - '{node}'
      - -e
      - console.log('pooling on'); require('http').createServer().listen(3000, () => console.log('listening on 3000'))
    ready: { line: 'listening on \\d+' }
    tiers: { standard: '^pooling on$', on-demand: '^pooling off$' }
    timeout: 90s
  port: { like: line, ready: { port: 3000 }, tiers: {} }
  serves:
    like: line
    run:
      - '{node}'
      - -e
      - "let n = 0; require('http').createServer((q, r) => { r.statusCode = ++n < 3 ? 404 : 200; r.end('hello ' + q.url); }).listen(8080)"
    ready: { http: { port: 8080, path: '/a?b=*', body: '^hello /a' } }
    tiers: {}
  serves-nothing:
    like: line
    run: ['{node}', -e, "require('http').createServer((q, r) => r.writeHead(500).end('no')).listen(8080, () => console.log('pooling on'))"]
    ready: { http: { port: 8080, answers: 3 } }
  missing: { run: [no-such-program] }
  late:
    like: line
    run:
      - /bin/sh
      - -c
      - yes 'a line of noise' | head -n 5000; echo pooling on; echo listening on 3000; sleep 600
  two-tiers:
    run: [/bin/sh, -c, echo pooling on; yes 'a line of noise' | head -n 30000; echo pooling off]
    tiers: { standard: '^pooling on$', on-demand: '^pooling off$' }
  cut: { like: two-tiers, run: [/bin/sh, -c, echo pooling on; yes 'a line of noise' | head -n 30000] }
axes: { memory: 512M, engine: v8, subject: [line, port, serves, serves-nothing, missing, late, two-tiers, cut] }
include:
  - { memory: 512M, engine: v8, addressSpace: 5000000K, subject: node-memories }
expect:
  - { where: { subject: line }, tier: standard }
  - { where: { subject: port }, outcome: reached }
  - { where: { subject: node-memories }, outcome: exhausted, error: 'Memory\\(\\): could not allocate memory' }
`;

t.test('what is up, what is not, and what could not be asked', async (t) => {
  const { results } = await runMatrix(parseMatrix(text, path.join(folder, 'subjects.yaml')), {
    resultsDir: path.join(folder, 'results'),
    cacheDir: resolveCacheFolder(),
    jobs: 1,
  });
  const of = (name: string) => results.find(({ settings }) => settings.subject === name);
  t.match(of('line'), {
    outcome: 'reached',
    tier: 'standard',
    verdict: 'expected',
    predicted: null,
    subject: { name: 'line', ready: true, line: 'pooling on' },
  });
  t.match(of('port'), { outcome: 'reached', tier: null, reason: /listens on port 3000/ });
  t.match(of('serves'), {
    outcome: 'reached',
    reason: 'came up: it answers /a?b=* on port 8080 with 200',
    subject: { ready: true, answer: { status: 200, count: 3, body: 'hello /a?b=*' } },
  });
  const { up = null, end = null } = of('serves')?.subject?.process ?? {};
  t.match(up, { name: 'node', processes: 1 }, 'the kernel shows the process that answered');
  t.ok(up !== null && up.virtualBytes > 500 * mib && up.maps > 50 && up.minorFaults > 1000);
  t.ok(up !== null && up.residentBytes > 20 * mib && up.residentBytes <= up.peakResidentBytes);
  t.ok(up !== null && up.committedBytes > 0 && up.largest.length === 8);
  t.ok(up !== null && (up.largest[0]?.bytes ?? 0) >= (up.largest[7]?.bytes ?? 0));
  t.ok(
    end !== null &&
      up !== null &&
      end.peakResidentBytes >= up.residentBytes &&
      end.minorFaults >= up.minorFaults,
  );
  t.match(of('line')?.subject?.process, { up: { name: 'node' } });
  t.match(
    of('node-memories')?.subject?.process,
    { up: null, end: { minorFaults: Number } },
    'one that ended',
  );
  t.match(
    of('serves-nothing'),
    {
      outcome: 'exhausted',
      tier: null,
      reason: 'serves nothing: none of 3 answers had status 200; the last had status 500: no',
      subject: { ready: false, line: null, answer: { status: 500, count: 3, body: 'no' } },
    },
    'it listens, and says that it has a pool',
  );
  t.match(of('late'), { outcome: 'reached', tier: 'standard', subject: { ready: true } }, 'after 80 KB');
  t.match(of('two-tiers'), { outcome: 'broken', tier: null, verdict: null, reason: /were both written/ });
  const dropped = 11 + 30_000 * 16 - 256 * 1024;
  t.match(
    of('cut'),
    {
      outcome: 'broken',
      tier: null,
      verdict: null,
      reason: `output was cut: ${dropped} bytes were not kept`,
    },
    'the other tier may have spoken where nobody saw it',
  );
  t.match(of('missing'), { outcome: 'broken', verdict: null, reason: /no-such-program: not found/ });
  const limited = of('node-memories');
  t.match(limited, {
    outcome: 'exhausted',
    verdict: 'expected',
    subject: { failure: 'v8-memory', exitCode: 1 },
  });
  t.match(
    limited?.readBack.find(({ axis }) => axis === 'addressSpace'),
    { found: String(5_000_000 * 1024), ok: true },
    'the limit was read back in the very process',
  );
});
