/** The interface between a run and whatever runs its boot plans: plans in, results out as they come, all plain data. */
import type { GuestMeasureRequest, GuestOverhead } from '../measure/measure-guest.ts';
import type { GuestServing, ServingMeasureRequest } from '../measure/measure-serving.ts';
import type { Evidence } from '../store/evidence.ts';
import type { Result } from '../store/result.ts';
import type { BootPlan } from './boot-plan.ts';

/** A cell that has ended, with everything that is to be stored of it. */
export type CellRun = Readonly<{
  result: Omit<Result, 'evidence'>;
  /** Content by file name, see results/README.md; bytes where it came from another computer. */
  evidence: Evidence;
}>;

export type RunnerEvent =
  /** `cell` as `cellKey` has it. */
  | Readonly<{ kind: 'started'; cell: string }>
  | Readonly<{ kind: 'ended' } & CellRun>
  /** News for the user that is in no result: a template that failed. */
  | Readonly<{ kind: 'notice'; text: string }>;

/** With what its server is compared to, before its figures count. */
export type ServingRequest = ServingMeasureRequest & Readonly<{ reached: Pick<Result, 'tier' | 'form'> }>;

/**
 * Runs boot plans: here, or on other machines. The rest of a run (record, store, repetitions, reports) knows nothing
 * but this. Its owner disposes of it.
 */
export type Runner = AsyncDisposable &
  Readonly<{
    /**
     * Resolves when every cell has ended, or when the signal has fired; cells that had not ended by then give no
     * event. What happens in a cell is in its result.
     *
     * @param runId id of the run's record: a run that is resumed has the same one
     * @throws the first failure of the harness, of `onEvent` too, after everything else has been ended
     */
    run(
      plans: readonly BootPlan[],
      onEvent: (event: RunnerEvent) => void,
      signal: AbortSignal,
      runId: string,
    ): Promise<void>;
    /**
     * Measures the overhead of one cell. Request and result are plain data as well.
     *
     * @param onStart called when the measurement has its place among the guests
     * @throws what {@link measureGuest} throws
     */
    measure(request: GuestMeasureRequest, onStart: () => void, signal: AbortSignal): Promise<GuestOverhead>;
    /**
     * Measures what requests cost in one cell.
     *
     * @param onStart as of {@link measure}
     * @throws what {@link measureServing} throws
     */
    measureServing(request: ServingRequest, onStart: () => void, signal: AbortSignal): Promise<GuestServing>;
    /** Most memory granted to guests at a time on this computer, MiB. */
    peakMib: number;
  }>;

/** Waits for all, also when one fails, so that nothing runs on behind the caller's back; then throws the first. */
export async function settleAll(work: readonly Promise<void>[]): Promise<void> {
  const ends = await Promise.allSettled(work);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}
