/** Images on their way from a coordinator to a worker that has none: a real Redis, a real server, real images. */
import { createReadStream, existsSync, mkdirSync, readdirSync, statSync, truncateSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import t from 'tap';
import { buildImages, isBuilt } from '../../images/build.ts';
import { resolveCacheFolder } from '../../images/cache/cache-folder.ts';
import { makeTemporaryFolder } from '../../images/temporary-folder.ts';
import { exportImages, nameArchive } from '../../images/transfer.ts';
import { needsFleet } from '../fixtures/fleet-lab.ts';
import { TestRedis } from '../fixtures/redis-server.ts';
import { parseMatrix } from '../matrix/load.ts';
import { collectRequirements } from '../plan/requirements.ts';
import { publishImages } from './archive-store.ts';
import { keys, openLink, type Link } from './connect.ts';
import { fetchImages, parseImagesFrom } from './fetch-images.ts';
import { collectSamples, queueName } from './lanes.ts';
import type { Lane } from './messages.ts';

const run = '20261123T230311Z-a1b2c3';
const cacheDir = resolveCacheFolder();
// V8's own engine: the fewest disks.
const samples = collectSamples(parseMatrix('axes: {memory: 512M, engine: v8}\n', 'm.yaml').cells());
const request = collectRequirements([...samples.values()].flat()).get('bookworm')!;
const { digest } = await buildImages({ ...request, cacheDir });
const lane: Lane = {
  queue: queueName(run, 'bookworm', digest),
  ...{ kernel: 'bookworm', digest, withoutSubjects: digest, qemu: '7.2.22', accelerator: 'tcg' },
  samples: [...(samples.get('bookworm') ?? [])],
};
const folder = await makeTemporaryFolder();
t.teardown(() => folder[Symbol.asyncDispose]());

/** A worker without images. */
class Empty {
  readonly notices: string[] = [];
  readonly #cacheDir: string;

  constructor(name: string) {
    this.#cacheDir = path.join(folder.path, name);
  }

  fetch(link: Link, its: Lane, imagesFrom?: string): Promise<void> {
    return fetchImages(run, its, {
      ...{ link, cacheDir: this.#cacheDir, onNotice: (text) => void this.notices.push(text) },
      ...(imagesFrom !== undefined && { imagesFrom: parseImagesFrom(imagesFrom) }),
    });
  }

  /** Whether a run would have to build nothing. */
  isBuilt = (): Promise<boolean> => isBuilt({ ...request, cacheDir: this.#cacheDir });

  digest = async (): Promise<string> => (await buildImages({ ...request, cacheDir: this.#cacheDir })).digest;

  /** Files of images in its cache. */
  blobs(): readonly string[] {
    const blobs = path.join(this.#cacheDir, 'blobs');
    return existsSync(blobs) ? readdirSync(blobs) : [];
  }
}

t.test(
  'images that the run has put into Redis are taken by their digest, or not at all',
  needsFleet,
  async (t) => {
    await using redis = await TestRedis.start(path.join(folder.path, 'redis'));
    const { address } = await redis.openProxy();
    const link = await openLink({ address, onNotice: () => undefined });
    t.teardown(() => link.redis.disconnect());
    const said: string[] = [];
    const archives = await publishImages({
      ...{ redis: link.redis, run, samples, cacheDir },
      onNotice: (text) => void said.push(text),
    });
    const archive = archives.get('bookworm')!;
    t.match(said, [/^images of bookworm are in Redis, \d+ MiB$/]);
    t.ok(archive.chunks > 1, `${archive.chunks} parts`);
    const offered = { ...lane, archive };

    const worker = new Empty('worker');
    await worker.fetch(link, offered);
    t.same(worker.notices, [`images of bookworm are from ${link.address}`]);
    t.ok(await worker.isBuilt(), 'nothing is left to build');
    t.equal(await worker.digest(), digest);
    await worker.fetch(link, offered);
    t.equal(worker.notices.length, 1, 'they are not fetched again');

    const other = new Empty('other');
    await other.fetch(link, { ...offered, withoutSubjects: `sha256:${'0'.repeat(64)}` });
    t.match(other.notices, [/do not come from .*: .* has images sha256:/]);
    t.same(other.blobs(), [], 'images of another digest are not kept');

    await link.redis.setrange(keys.archive(run, archive.sha256, 0), 1000, 'damaged');
    const damaged = new Empty('damaged');
    await damaged.fetch(link, offered);
    t.match(damaged.notices, [/has sha256 [0-9a-f]{64}, not/]);
    await link.redis.del(keys.archive(run, archive.sha256, 1));
    await damaged.fetch(link, offered);
    t.match(damaged.notices[1], /part 2 of \d+ is not in Redis/);
    t.same(damaged.blobs(), []);
    t.notOk(await damaged.isBuilt());
  },
);

t.test('images come from the address that the user names', needsFleet, async (t) => {
  const web = path.join(folder.path, 'web');
  mkdirSync(web);
  const file = path.join(web, nameArchive(digest));
  await exportImages(file, { ...request, cacheDir });
  const seen: string[] = [];
  const server = createServer(({ url = '', headers }, response) => {
    seen.push(`${headers.authorization ?? ''} ${url}`);
    const wanted = path.join(web, path.basename(new URL(url, 'http://x').pathname));
    if (existsSync(wanted)) createReadStream(wanted).pipe(response);
    else response.writeHead(404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  await using redis = await TestRedis.start(path.join(folder.path, 'redis-2'));
  const link = await openLink({ address: (await redis.openProxy()).address, onNotice: () => undefined });
  t.teardown(() => link.redis.disconnect());

  const secret = `http://lab:hush@127.0.0.1:${port}/images?token=hush`;
  t.throws(() => parseImagesFrom(secret), { code: 'USAGE', message: /^(?!.*hush)/ });
  t.throws(() => parseImagesFrom('ftp://x/'), { code: 'USAGE' });
  process.env['POOLPROOF_IMAGES_FROM'] = secret;
  t.teardown(() => {
    delete process.env['POOLPROOF_IMAGES_FROM'];
  });
  const worker = new Empty('from-web');
  await worker.fetch(link, lane, secret);
  t.same(worker.notices, [`images of bookworm are from http://127.0.0.1:${port}/images`]);
  t.same(seen, [`Basic ${btoa('lab:hush')} /images/${nameArchive(digest)}?token=hush`]);
  t.equal(await worker.digest(), digest);

  const cut = new Empty('cut');
  truncateSync(file, Math.floor(statSync(file).size / 2));
  await cut.fetch(link, lane, secret);
  t.match(cut.notices, [/^images of bookworm do not come from http:.*\/images: (?!.*hush)/]);
  await cut.fetch(link, { ...lane, withoutSubjects: `sha256:${'1'.repeat(64)}` }, secret);
  t.match(cut.notices[1], /sha256-1+\.tar\.gz: 404/);
  t.same(cut.blobs(), []);
});
