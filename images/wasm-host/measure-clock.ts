/** CPU time of the calling thread alone: threads of the collector and the compiler do not count, nor does waiting. */
import koffi from 'koffi';

/** linux/time.h */
const threadCpuTime = 3;
const monotonic = 1;

/** linux/time.h: all threads of the process. */
const processCpuTime = 2;

export type Reading = Readonly<{ cpuNs: number; wallNs: number }>;

export type Clock = Readonly<{
  /** The calling thread. */
  read: () => Reading;
  /**
   * CPU time of a whole process since its creation, ended threads included, ns. Throws where there is no such process.
   * @param pid @default this process
   */
  readProcess: (pid?: number) => number;
}>;

/** The clock of another process, as clock_getcpuclockid(3) makes it: CPUCLOCK_SCHED of linux/posix-timers.h. */
const cpuClockOf = (pid: number): number => (~pid << 3) | 2;

/** Opens the clock. In a guest started with `-icount shift=0` a nanosecond of it is one instruction. */
export function openClock(): Clock {
  const read = koffi.load(null).func('clock_gettime', 'int', ['int', 'void*']) as (
    clock: number,
    time: Buffer,
  ) => number;
  const time = Buffer.alloc(16); // struct timespec
  const nanoseconds = (clock: number): number => {
    if (read(clock, time) !== 0) throw new RangeError(`clock ${clock} cannot be read`);
    return Number(time.readBigInt64LE(0)) * 1e9 + Number(time.readBigInt64LE(8));
  };
  return {
    read: () => ({ cpuNs: nanoseconds(threadCpuTime), wallNs: nanoseconds(monotonic) }),
    readProcess: (pid) => nanoseconds(pid === undefined ? processCpuTime : cpuClockOf(pid)),
  };
}
