/**
 * The one class of exceptions that stop poolproof. What happens inside a cell is data and never thrown. The class lives
 * in images/ because dependency arrows point away from the harness.
 */

/** Closed set of codes; tests assert these, people read the message. */
export type ErrorCode =
  // the command line
  | 'USAGE'
  // matrix files
  | 'MATRIX_NOT_FOUND'
  | 'MATRIX_TOO_LARGE'
  | 'MATRIX_SYNTAX'
  | 'MATRIX_UNKNOWN_AXIS'
  | 'MATRIX_UNKNOWN_KEY'
  | 'MATRIX_DUPLICATE_KEY'
  | 'MATRIX_BAD_VALUE'
  | 'MATRIX_DUPLICATE_CELL'
  | 'MATRIX_EMPTY'
  | 'MATRIX_TOO_MANY_CELLS'
  | 'MATRIX_NO_MATCH' // a rule or a value in it that no cell has
  | 'MATRIX_CONFLICT' // two rules demand different things of one cell
  | 'MATRIX_INVALID'
  | 'SUBJECT_FILE' // a file of a foreign subject cannot be read
  | 'CELL_NOT_FOUND'
  // this computer
  | 'QEMU_NOT_FOUND'
  | 'QEMU_TOO_OLD'
  | 'QEMU_FAILED'
  | 'TOOL_NOT_FOUND'
  | 'OS_UNSUPPORTED'
  | 'DISK_FULL'
  | 'TOO_MANY_FILES' // open at a time
  | 'NO_MEMORY' // for a process or a buffer of the harness
  | 'TMPDIR_UNWRITABLE'
  | 'NOT_PRIVATE' // others may write to a folder that is trusted
  | 'UNEXPECTED' // nothing above: a fault of poolproof
  // images
  | 'IMAGE_UNKNOWN'
  | 'IMAGE_CHECKSUM'
  | 'IMAGE_LOCKED'
  | 'IMAGE_FETCH'
  | 'IMAGE_BUILD'
  | 'IMAGE_LOCK_INVALID'
  | 'IMAGE_ARCHIVE'
  | 'CACHE_UNWRITABLE'
  // machine and guest
  | 'MACHINE_EXITED'
  | 'MACHINE_TIMEOUT'
  | 'MACHINE_STALLED' // it hardly got to run: says nothing about the guest
  | 'QMP_ERROR'
  | 'TEMPLATE_INVALID'
  | 'PROTOCOL'
  | 'MEASURE_FAILED' // a measuring process failed, or forms computed different things
  // results
  | 'STORE_UNWRITABLE'
  | 'STORE_BUSY'
  | 'STORE_CORRUPT'
  | 'STORE_TORN'
  | 'STORE_NOT_FOUND'
  | 'STORE_SCHEMA'
  | 'BUNDLE_INVALID'
  | 'REPORT_UNKNOWN'
  // reports and cases of the field
  | 'FIELD_INVALID' // damaged, hostile or foreign
  | 'FIELD_SCHEMA' // of a newer format
  | 'FIELD_NOT_FOUND'
  | 'NO_VERDICT' // the harness is at fault, or the cell does not apply: no answer to a search
  | 'INTERRUPTED';

export type ErrorDetails = Readonly<{
  /** File the error is about. */
  file?: string;
  /** 1-based. */
  line?: number;
  /** 1-based, in characters. */
  column?: number;
  /** Command that failed, ready to paste. */
  command?: string;
  /** Last lines of its standard error. */
  stderr?: string;
  /** What to do instead, one sentence. */
  hint?: string;
  cause?: unknown;
}>;

/** The one base class: a closed `code` for programs, a sentence for people, the fields one needs to act. */
export class PoolproofError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'PoolproofError';
    this.code = code;
    this.details = details;
  }
}
