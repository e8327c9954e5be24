/** What a guest needs of its kernel, by name, and what of it a kernel lacks. Pure. */

export type KernelNeed = Readonly<{
  option: string;
  /** Its module, which can be loaded; absent where it must be built in. */
  module?: string;
  /** For what. */
  what: string;
}>;

export const kernelNeeds: readonly KernelNeed[] = [
  { option: 'VIRTIO_PCI', module: 'virtio_pci', what: 'virtio' },
  { option: 'VIRTIO_BLK', module: 'virtio_blk', what: 'disks' },
  { option: 'VIRTIO_CONSOLE', module: 'virtio_console', what: "the session's port" },
  { option: 'HW_RANDOM_VIRTIO', module: 'virtio_rng', what: 'a source of entropy' },
  { option: 'EROFS_FS', module: 'erofs', what: 'the file system of the disks' },
  { option: 'BLK_DEV_INITRD', what: 'an initramfs' },
  { option: 'DEVTMPFS', what: 'device files' },
  { option: 'TMPFS', what: 'files of the session' },
  { option: 'PROC_FS', what: 'facts' },
  { option: 'SYSFS', what: 'facts' },
  { option: 'CGROUPS', what: 'cgroup v2' },
  { option: 'MEMCG', what: 'memory limits of cgroup v2' },
  { option: 'BINFMT_ELF', what: 'programs' },
  { option: 'BINFMT_SCRIPT', what: 'the scripts of the guest' },
  { option: 'PID_NS', what: 'a subject that cannot reach the session' },
  { option: 'SERIAL_8250_CONSOLE', what: 'the console' },
];

export type KnownKernel = Readonly<{
  /** Text of its configuration; null where it is unknown. */
  config: string | null;
  /** Modules built in, by modules.builtin; null without a folder of modules. */
  builtIn: ReadonlySet<string> | null;
  /** Modules in the folder. */
  modules: ReadonlySet<string>;
}>;

/** Each missing need as `VIRTIO_BLK (disks)`. What cannot be known is not missing. */
export function findMissing({ config, builtIn, modules }: KnownKernel): readonly string[] {
  return kernelNeeds.flatMap(({ option, module, what }) => {
    const asModule = module !== undefined && modules.has(module);
    const value =
      config === null ? null : (new RegExp(`^CONFIG_${option}=(\\w)`, 'm').exec(config)?.[1] ?? 'n');
    if (asModule || value === 'y') return [];
    if (module !== undefined && builtIn?.has(module) === true) return [];
    if (value === 'm') return [`${option} (${what}; it is a module)`];
    // Without a configuration the folder of modules is a whole account of what can be one.
    const isUnknown = value === null && (module === undefined || builtIn === null);
    return isUnknown ? [] : [`${option} (${what})`];
  });
}
