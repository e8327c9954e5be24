/**
 * The library: what the command line itself uses. `harness/README.md` has examples.
 *
 * What happens in a cell is a value; what keeps the harness from finding out is a {@link PoolproofError} with a code.
 * Sizes are in bytes unless a name says otherwise (`memoryMib`), times in milliseconds.
 */

// A matrix: loaded, parsed, cut to a part, planned
export { loadMatrix, parseMatrix } from './matrix/load.ts';
export { selectCells } from './matrix/select.ts';
export { MatrixErrors, type Problem } from './matrix/diagnostics.ts';
export { planMatrix, type PlannedCell } from './library/plan-matrix.ts';
export type { CaseCell, Cell, Coverage, Expectation, FieldCase, Matrix } from './matrix/cell.ts';
export type { Place } from './matrix/source.ts';
export type { Measure } from './matrix/measure.ts';
export type { ProgramPin, Ready, Subject, SubjectFile, SubjectWord } from './matrix/subject.ts';
export type { Mapped } from './matrix/mapped.ts';
export type { HostName } from '../images/allocator/hosts.ts';

// Settings of a cell
export { defaultSettings, type Settings } from './axes/table.ts';
export { formatCellId, parseCellId } from './matrix/cell-id.ts';

// What the model says
export { estimateCell as predict } from './outcome/predict-cell.ts';
export { describeShortfall } from '../images/allocator/explain.ts';
export type {
  LimitName,
  Pool,
  Prediction,
  Shortfall,
  Splitter,
  TierPrediction,
} from '../images/allocator/prediction.ts';
export type { AllocatorChoice, Checks, EngineId, EngineKind, Tier } from '../images/allocator/tier.ts';

// A run
export { runMatrix, type RunOptions } from './library/run-matrix.ts';
export type { RunSummary } from './run/run.ts';
export type { ExitCode } from './report/exit-code.ts';
export type { MeasureKind, Reporter, RunEnd, RunStart } from './report/reporter.ts';
export type { ArchitectureName } from '../images/architectures.ts';
export type { ImageEvent } from '../images/build.ts';
export type { WaitEvent } from '../images/cache/build-lock.ts';
export type { FetchEvent } from '../images/source/component-store.ts';

// What is stored of it
export { listRuns } from './store/find-run.ts';
export { loadHistory, loadRun, type LoadedRun } from './library/stored-runs.ts';
export type { RunRecord } from './store/run-record.ts';
export type {
  FleetMachine,
  MachineAttempt,
  Result,
  StoredDistribution,
  TierAttempt,
} from './store/result.ts';
export type { Form, HostSummary } from './outcome/judge.ts';
export type { Outcome, Verdict } from './outcome/outcome.ts';
export type { Expected } from './outcome/expect.ts';
export type { SubjectSummary } from './outcome/classify-foreign.ts';
export type { NotMeasured, OverheadSource } from './outcome/overhead.ts';
export type { CellServing } from './outcome/serving.ts';
export type { RequestPrice } from './measure/request-price.ts';
export type { Clock, Interval, OverheadSummary, TierResources } from './measure/figures.ts';
export type { ReadBack } from './axes/guest-settings.ts';
export type { Answer } from './guest/answer.ts';
export type { ProcessEnd, ProcessMapping, ProcessView, SubjectProcess } from './guest/subject-process.ts';
export type { Basis as TierBasis } from './outcome/find-tier.ts';
export type { MachineEnd, SubjectRun } from './guest/observation.ts';
export type { Facts, Limit } from '../images/allocator/facts.ts';
export type * from '../images/allocator/host-report.ts';
export type { PoolParameter, PoolParameters } from '../images/allocator/pool-parameters.ts';

// Shown, compared, followed, explained
export { compareRuns, renderReport, type FormatName } from './library/render-report.ts';
export type { Report } from './report/report-schema.ts';
export type { CellChange, ChangeKind, CompareOptions, Comparison, Direction } from './report/compare.ts';
export type { EnvironmentDifference } from './report/compare-environment.ts';
export type { OverheadMove } from './report/compare-overhead.ts';
export type {
  CellVerdict,
  Distribution,
  Interval as ShareInterval,
  Observed,
  Repetition,
  Share,
} from './outcome/repetitions.ts';
export type { CellStatus, CellView, CellWord, Mark, WordCount } from './report/cell-view.ts';
export type { Group } from './report/group-by.ts';
export type { CellHistory, Span } from './report/history.ts';
export { explainResult as explain } from './field/explanation.ts';

// A guest to look around in
export {
  openGuest,
  type ExecOptions,
  type ExecResult,
  type Guest,
  type GuestOptions,
  type GuestShell,
} from './library/open-guest.ts';

export {
  PoolproofError,
  renderError,
  type ErrorCode,
  type ErrorDetails,
  type RenderOptions,
} from './errors.ts';
