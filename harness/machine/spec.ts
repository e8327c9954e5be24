/** A machine as plain values, and the QEMU command line it means. */
import { architectureOf, defaultArchitecture, type Architecture } from '../../images/architectures.ts';
import { lastOwnArgument } from '../../images/allocator/parse-facts.ts';
import { portName } from '../../images/guest/protocol.ts';
import { swapDisk, type MachineSpec } from '../plan/machine-spec.ts';

/** How the machine's memory and state come to be. */
export type Start = Readonly<
  | { kind: 'boot' }
  /** A boot whose memory is a file, so that it can be saved as a template. */
  | { kind: 'template'; ramFile: string }
  /** Copy-on-write memory from a template; the saved state arrives on {@link channels}.state. */
  | { kind: 'clone'; ramFile: string }
>;

/** File descriptors QEMU inherits. Sockets, so that nothing has a path, a listener or a race. */
export const channels = { session: 3, qmp: 4, console: 5, state: 6, swap: 7 } as const;

/**
 * The kernel's command line. `panic=-1` with -no-reboot: a panic ends QEMU.
 * `loglevel=6`: the first lines show that the kernel runs; the rest costs time on an emulated UART.
 */
function buildCommandLine(spec: MachineSpec): string {
  const { kernel } = guestArchitecture(spec);
  return [
    `console=${kernel.console}`,
    'loglevel=6',
    ...kernel.reset,
    'panic=-1',
    ...(spec.accelerator === 'tcg' && spec.icountShift === null ? kernel.emulatedClock : kernel.steadyClock),
    // Where the kernel puts itself at random, MemTotal differs by a page in one boot of sixty. What programs are
    // given stays random.
    'nokaslr',
    'random.trust_cpu=on',
    // What a subject writes to /dev/kmsg would stand in the kernel's log as if the kernel had written it. Set here, it
    // cannot be changed in the guest.
    'printk.devkmsg=off',
    ...kernel.devices,
    ...(spec.kernelWords ?? []),
    // The last of the harness' own: what stands behind it is read back as the setting.
    `${lastOwnArgument}=${spec.disks.length + (spec.swapMib === undefined ? 0 : 1)}`,
    ...(spec.kernelArguments === undefined ? [] : [spec.kernelArguments]),
  ].join(' ');
}

const guestArchitecture = ({ architecture }: MachineSpec): Architecture =>
  architecture === undefined ? defaultArchitecture : architectureOf(architecture);

function describeMachine(spec: MachineSpec, start: Start): string {
  const { machine, machineOfKvm = machine } = guestArchitecture(spec).qemu;
  const words = spec.accelerator === 'kvm' ? machineOfKvm : machine;
  return [...words, ...(start.kind === 'boot' ? [] : ['memory-backend=ram'])].join(',');
}

/**
 * Arguments for {@link MachineSpec.qemu}. Pure: the same spec and start give the same words.
 *
 * The CPUs `host` and `max` leave out what no saved state can hold (migratable=on, their default): above all an
 * invariant TSC, so that a guest of KVM takes kvm-clock, which is saved and goes on in a clone. Nested virtualisation
 * (vmx, svm) stays visible where this computer offers it: KVM saves its state since Linux 4.20, and nothing here uses
 * it. The selftest asks QEMU about the first and clones machines with the second.
 */
export function buildArguments(spec: MachineSpec, start: Start): string[] {
  const memory = `${spec.memoryMib}M`;
  return [
    // No configuration of the user's and no default devices: only the devices named here exist.
    '-nodefaults',
    '-no-user-config',
    // A reset ends QEMU: a guest that reboots by itself is never mistaken for one that answers.
    '-no-reboot',
    ...['-display', 'none'],
    // seccomp: no new programs, no privileges, no resource control, no obsolete calls.
    ...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
    ...['-machine', describeMachine(spec, start)],
    ...['-accel', spec.accelerator],
    ...(spec.icountShift === null ? [] : ['-icount', `shift=${spec.icountShift}`]),
    ...['-cpu', spec.cpuModel],
    ...['-smp', String(spec.cpus)],
    ...['-m', memory],
    ...(start.kind === 'boot'
      ? []
      : [
          '-object',
          // share=on writes the template's file; share=off maps it privately, so clones never change it.
          `memory-backend-file,id=ram,size=${memory},mem-path=${escapeOption(start.ramFile)},share=${start.kind === 'template' ? 'on' : 'off'}`,
        ]),
    // A clone's kernel is in its memory: reading the files again would cost each 9 ms.
    ...(start.kind === 'clone'
      ? []
      : ['-kernel', spec.kernel, '-initrd', spec.initramfs, '-append', buildCommandLine(spec)]),
    ...['-chardev', `socket,id=console,fd=${channels.console}`, '-serial', 'chardev:console'],
    ...['-chardev', `socket,id=qmp,fd=${channels.qmp}`, '-mon', 'chardev=qmp,mode=control'],
    ...['-device', 'virtio-serial-pci'],
    ...['-chardev', `socket,id=session,fd=${channels.session}`],
    ...['-device', `virtserialport,chardev=session,name=${portName}`],
    ...spec.disks.flatMap(({ name, path }, index) => [
      '-blockdev',
      `driver=file,filename=${escapeOption(path)},node-name=file${index},read-only=on,locking=off`,
      '-blockdev',
      `driver=raw,file=file${index},node-name=disk${index},read-only=on`,
      '-device',
      `virtio-blk-pci,drive=disk${index},serial=${name}`,
    ]),
    ...(spec.entropy === true
      ? ['-object', 'rng-builtin,id=entropy', '-device', 'virtio-rng-pci,rng=entropy']
      : []),
    // An inherited file without a name: it is gone when QEMU is, however it ends.
    ...(spec.swapMib === undefined
      ? []
      : [
          ...['-add-fd', `fd=${channels.swap},set=1`],
          ...['-blockdev', 'driver=file,filename=/dev/fdset/1,node-name=swapfile,locking=off'],
          ...['-blockdev', 'driver=raw,file=swapfile,node-name=swap'],
          ...['-device', `virtio-blk-pci,drive=swap,serial=${swapDisk}`],
        ]),
    // The state holds no RAM; a capability must be set before it is read: see template.ts.
    ...(start.kind === 'clone' ? ['-incoming', 'defer'] : []),
  ];
}

/** QEMU splits option values at commas; a doubled comma stands for one. */
function escapeOption(value: string): string {
  return value.replaceAll(',', ',,');
}

/** The command as one line to paste in a shell. The channels are inherited sockets: see harness/machine/README.md. */
export function formatCommand(spec: MachineSpec, start: Start): string {
  return [spec.qemu, ...buildArguments(spec, start)]
    .map((word) => (/^[A-Za-z0-9_/.:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}
