/**
 * The one class of exceptions that stop poolproof. What happens inside a cell is data and never thrown. The class lives
 * in images/ because dependency arrows point away from the harness.
 */

/**
 * Closed set of codes, each with the exit code of the command that it ends: 2 for a wrong command line or file and for
 * no verdict, 3 where this computer lacks what the work needs, which says nothing about any cell. Tests assert codes,
 * people read the message.
 */
export const errorCodes = {
  // the command line
  USAGE: 2,
  // matrix files
  MATRIX_NOT_FOUND: 2,
  MATRIX_TOO_LARGE: 2,
  MATRIX_SYNTAX: 2,
  MATRIX_UNKNOWN_AXIS: 2,
  MATRIX_UNKNOWN_KEY: 2,
  MATRIX_DUPLICATE_KEY: 2,
  MATRIX_BAD_VALUE: 2,
  MATRIX_DUPLICATE_CELL: 2,
  MATRIX_EMPTY: 2,
  MATRIX_TOO_MANY_CELLS: 2,
  MATRIX_NO_MATCH: 2, // a rule or a value in it that no cell has
  MATRIX_CONFLICT: 2, // two rules demand different things of one cell
  MATRIX_INVALID: 2,
  SUBJECT_FILE: 2, // a file of a foreign subject cannot be read
  CELL_NOT_FOUND: 2,
  // this computer
  QEMU_NOT_FOUND: 3,
  QEMU_TOO_OLD: 3,
  QEMU_FAILED: 3,
  TOOL_NOT_FOUND: 3,
  OS_UNSUPPORTED: 3,
  DISK_FULL: 3,
  TOO_MANY_FILES: 3, // open at a time
  NO_MEMORY: 3, // for a process or a buffer of the harness
  TMPDIR_UNWRITABLE: 3,
  NOT_PRIVATE: 3, // others may write to a folder that is trusted
  UNEXPECTED: 2, // nothing above: a fault of poolproof
  // images
  IMAGE_UNKNOWN: 2, // a version that a matrix names and nobody published
  IMAGE_CHECKSUM: 3,
  IMAGE_LOCKED: 3,
  IMAGE_FETCH: 3,
  IMAGE_BUILD: 3,
  IMAGE_LOCK_INVALID: 3,
  IMAGE_ARCHIVE: 3,
  KERNEL_UNFIT: 3, // a kernel of the user's own that is none, or lacks what a guest needs
  CACHE_UNWRITABLE: 3,
  // machine and guest
  MACHINE_EXITED: 2,
  MACHINE_TIMEOUT: 2,
  MACHINE_STALLED: 2, // it hardly got to run: says nothing about the guest
  QMP_ERROR: 2,
  TEMPLATE_INVALID: 2,
  PROTOCOL: 2,
  MEASURE_FAILED: 2, // a measuring process failed, or forms computed different things
  // results
  STORE_UNWRITABLE: 3,
  STORE_BUSY: 2,
  STORE_CORRUPT: 2,
  STORE_TORN: 2,
  STORE_NOT_FOUND: 2,
  STORE_SCHEMA: 2,
  BUNDLE_INVALID: 2,
  REPORT_UNKNOWN: 2,
  // a fleet
  FLEET_NOT_INSTALLED: 3, // the packages of the queue
  FLEET_UNREACHABLE: 3,
  FLEET_REFUSED: 3, // Redis: a password, no memory, read only
  // reports and cases of the field
  FIELD_INVALID: 2, // damaged, hostile or foreign
  FIELD_SCHEMA: 2, // of a newer format
  FIELD_NOT_FOUND: 2,
  NO_VERDICT: 2, // the harness is at fault, or the cell does not apply: no answer to a search
  INTERRUPTED: 130,
} as const;

export type ErrorCode = keyof typeof errorCodes;

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
