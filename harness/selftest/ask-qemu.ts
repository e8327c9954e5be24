/** What QEMU and the kernel say about one boot: the accelerator, the CPU, the source of the clock. */
import type { Bench } from './bench.ts';

export type QemuAnswer = Readonly<{
  /** Whether KVM is used. */
  kvm: unknown;
  /** Properties of the CPU; null where its architecture has none of that name. */
  migratable: unknown;
  invtsc: unknown;
  /** By the guest's kernel. */
  clockSource: string;
}>;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const queryMs = 10_000;

const sourceFile = '/sys/devices/system/clocksource/clocksource0/current_clocksource';

/** One boot for all checks. @throws PoolproofError where it does not come up, QMP_ERROR */
export const askQemu = (bench: Bench): Promise<QemuAnswer> => bench.once('QEMU', () => askBoot(bench));

async function askBoot(bench: Bench): Promise<QemuAnswer> {
  await using open = await bench.open('boot');
  const { qmp } = open.machine;
  const kvm = await qmp.execute('query-kvm', {}, queryMs);
  const cpus = await qmp.execute('query-cpus-fast', {}, queryMs);
  const cpu: unknown = Array.isArray(cpus) ? cpus[0] : null;
  const path = isObject(cpu) ? cpu['qom-path'] : null;
  const listed = await qmp.execute('qom-list', { path }, queryMs);
  const names = Array.isArray(listed)
    ? listed.map((one: unknown) => (isObject(one) ? one['name'] : null))
    : [];
  const get = (property: string): Promise<unknown> =>
    names.includes(property) ? qmp.execute('qom-get', { path, property }, queryMs) : Promise.resolve(null);
  const reply = await open.session.request({ verb: 'read', paths: [sourceFile] }, bench.deadlines.requestMs);
  return {
    kvm: isObject(kvm) ? kvm['enabled'] : null,
    migratable: await get('migratable'),
    invtsc: await get('invtsc'),
    clockSource: reply.texts[sourceFile] ?? 'unknown',
  };
}
