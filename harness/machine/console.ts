/**
 * Keeps the output of the guest's serial console, and watches it for the kernel's first line, panics and out-of-memory
 * kills. A subject that makes itself a node of the port can write there too. So its lines are no evidence: a panic
 * counts only when QEMU ended by it, an out-of-memory kill only by the kernel's own counter.
 */

export const consoleCapBytes = 1024 * 1024;

/** `[    0.000000] Linux version …`, after whatever the firmware left on the line. */
const kernelLinePattern = /\[ *\d+\.\d{6}\] /;
/** The last line of init.sh. */
const userSpaceLine = 'poolproof: session starts';
/** Of init.sh, before the session starts. */
const failurePattern = /^poolproof: ((?:module|disk) \S+) failed/;
/** Of init.sh, which then resets the machine: drivers without which no session ever answers. */
const lackPattern = /^poolproof: the kernel lacks ([A-Z0-9_ ]+)/;
/** A kernel that runs no initramfs; another boot of it ends the same way. */
const noInitPattern = /Unable to mount root fs|No working init found|Requested init .* failed/;
const maxFailures = 20;
const panicPattern = /Kernel panic - not syncing: (.*)/;
const oomPattern =
  /Out of memory: Killed process|Memory cgroup out of memory: Killed process|invoked oom-killer/;

/** A growing log. Bytes past {@link consoleCapBytes} are counted and dropped: a guest may write for ever. */
export class ConsoleLog {
  readonly #chunks: Buffer[] = [];
  #keptBytes = 0;
  #totalBytes = 0;
  #line = '';
  #firstLine: (() => void) | null = null;
  /** True once the kernel, and not only the firmware, has written a line. */
  kernelStarted = false;
  #userSpace: (() => void) | null = null;
  /** Resolves when init hands over to the session. */
  readonly userSpace: Promise<void> = new Promise((resolve) => (this.#userSpace = resolve));
  /** Resolves with the kernel's first line. */
  readonly firstLine: Promise<void> = new Promise((resolve) => (this.#firstLine = resolve));
  #unfit: ((why: string) => void) | null = null;
  /** Resolves with what the kernel lacks, once it has said so. To be heard only before a subject has started. */
  readonly unfit: Promise<string> = new Promise((resolve) => (this.#unfit = resolve));
  /** The panic's message, once there was one. */
  panic: string | null = null;
  oomKill = false;
  /** What init could not load or mount: `module erofs.ko`, `disk base`. */
  readonly initFailures: string[] = [];

  push(chunk: Buffer): void {
    this.#totalBytes += chunk.length;
    const kept = chunk.subarray(0, Math.max(0, consoleCapBytes - this.#keptBytes));
    if (kept.length > 0) {
      this.#chunks.push(kept);
      this.#keptBytes += kept.length;
    }
    // Lines arrive in pieces; a line that never ends is cut so that it costs no memory.
    const lines = (this.#line + chunk.toString('latin1')).split('\n');
    this.#line = (lines.pop() ?? '').slice(-4096);
    for (const line of lines) this.#watch(line);
  }

  #watch(line: string): void {
    if (!this.kernelStarted && kernelLinePattern.test(line)) {
      this.kernelStarted = true;
      this.#firstLine?.();
    }
    if (line.includes(userSpaceLine)) this.#userSpace?.();
    const failure = failurePattern.exec(line)?.[1];
    if (failure !== undefined && this.initFailures.length < maxFailures) this.initFailures.push(failure);
    const lacks = lackPattern.exec(line)?.[1];
    if (lacks !== undefined) this.#unfit?.(`lacks ${lacks.trim().split(/ +/).join(', ')}`);
    const panic = panicPattern.exec(line);
    if (panic && noInitPattern.test(line))
      this.#unfit?.(`runs no initramfs (BLK_DEV_INITRD): ${panic[1]?.trim() ?? ''}`);
    if (panic) this.panic ??= panic[1]?.trim() ?? '';
    if (oomPattern.test(line)) this.oomKill = true;
  }

  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** The kept bytes as text. */
  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }

  /** The last kept bytes, at most `bytes`. */
  tail(bytes = 4096): string {
    return Buffer.concat(this.#chunks).subarray(-bytes).toString('utf8');
  }
}
