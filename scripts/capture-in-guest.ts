/** Runs capture.sh in a guest, in a process with the limits of a cell. */
import { gzipSync } from 'node:zlib';
import { readCaptureScript } from '../images/capture/capture-script.ts';
import { mountPoint, nodeDisk } from '../images/definitions.ts';
import { buildTemplate, startClone, templateKey } from '../harness/guest/build-template.ts';
import { applySettings, readSubjectRun } from '../harness/guest/observe.ts';
import { openSession } from '../harness/guest/open-session.ts';
import { buildLimits } from '../harness/axes/guest-settings.ts';
import { startMachine } from '../harness/machine/machine.ts';
import { TemplateStore } from '../harness/machine/template-store.ts';
import type { Settings } from '../harness/axes/table.ts';
import { deadlinesFor } from '../harness/plan/deadlines.ts';
import { buildMachineSpec } from '../harness/plan/machine-spec.ts';
import { imagesOf } from '../harness/plan/requirements.ts';
import type { Prepared } from '../harness/run/prepare.ts';

/** A folder of the guest that is writable and empty. */
const [packed, unpacked] = ['/tmp/capture.gz.b64', '/tmp/capture.sh'];
const seconds = 60;
/** Templates kept on disk. */
const templateBytes = 4 * 2 ** 30;

export type CaptureRequest = Readonly<{
  prepared: Prepared;
  cacheDir: string;
  settings: Settings;
  /** The command that the report is to be of. */
  words: readonly string[];
}>;

/**
 * The report's text. A machine is cloned from its template, which is made where it is missing.
 * @throws PoolproofError when the guest cannot be had, Error when the script fails in it.
 */
export async function captureInGuest(request: CaptureRequest): Promise<string> {
  const { prepared, cacheDir, settings, words } = request;
  const { qemu, images, accelerator } = prepared;
  const built = images.get(imagesOf(settings));
  if (built === undefined) throw new RangeError(`no images with the kernel ${settings.kernel}`);
  const spec = buildMachineSpec(settings, built, { qemu: qemu.path, accelerator: accelerator.accelerator });
  const deadlines = deadlinesFor(accelerator.accelerator);
  await using store = new TemplateStore(cacheDir, templateBytes);
  const order = { store, spec, qemuTitle: qemu.title, warm: [], deadlines, startMachine };
  const key = await templateKey(order);
  await store.use(key);
  const template = (await store.find(key)) ?? (await buildTemplate(order, key));
  await using machine = await startClone(spec, template, startMachine);
  const session = await openSession(machine, deadlines);
  const run = async (limits: Record<string, string>, command: readonly string[]) => {
    // Node where a command looks for it, as on a machine that has one.
    const env = { PATH: `${mountPoint(nodeDisk(settings.node))}/bin:/bin`, HOME: '/tmp' };
    const reply = await session.run(
      { limits, factPaths: [], env, command },
      { ms: seconds * 1000, replyMs: deadlines.requestMs },
    );
    const ended = readSubjectRun(reply);
    if (ended.exitCode !== 0)
      throw new Error(`${command.join(' ')}: ${ended.signal ?? String(ended.exitCode)}: ${ended.stderr}`);
    return ended.stdout;
  };
  const value = gzipSync(await readCaptureScript(), { level: 9 }).toString('base64');
  await session.request({ verb: 'apply', settings: [{ path: packed, value }] }, deadlines.requestMs);
  await run({}, ['/bin/sh', '-c', `base64 -d ${packed} | gunzip >${unpacked}`]);
  await applySettings(session, settings, deadlines);
  return await run(buildLimits(settings), ['/bin/sh', unpacked, '--', ...words]);
}
