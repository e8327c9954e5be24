/** The model's own error, since `images/allocator` imports nothing, not even `images/errors.ts`. */

export type AllocatorErrorCode =
  | 'BAD_VARIABLE' // an environment variable whose value Spin, or this host, could not read
  | 'BAD_PARAMETER' // a pool parameter nobody knows, or no number
  | 'BAD_VERSION'; // an engine or Node version that is not one

export class AllocatorError extends Error {
  readonly code: AllocatorErrorCode;

  constructor(code: AllocatorErrorCode, message: string) {
    super(message);
    this.name = 'AllocatorError';
    this.code = code;
  }
}
