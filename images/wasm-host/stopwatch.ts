/** Milliseconds by phase. */
export type Stopwatch = Readonly<{
  lap: (phase: string) => void;
  timings: Readonly<Record<string, number>>;
}>;

/** Starts with the phase `start`: from the creation of the process to now. */
export function startStopwatch(): Stopwatch {
  const timings: Record<string, number> = {};
  let last = 0;
  const lap = (phase: string) => {
    const now = performance.now();
    timings[phase] = Math.round((now - last) * 1000) / 1000;
    last = now;
  };
  lap('start');
  return { lap, timings };
}
