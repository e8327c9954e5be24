/** The error of a server that cannot begin: its module, its address, or its command line. */

export type ServeErrorCode =
  | 'BAD_MODULE' // no module this host can serve
  | 'BAD_ADDRESS' // not an address to listen at, or one that cannot be had
  | 'BAD_LIMIT' // a limit nobody knows, or no number
  | 'NO_THREAD'; // not one thread for instances could be started

export class ServeError extends Error {
  readonly code: ServeErrorCode;

  constructor(code: ServeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ServeError';
    this.code = code;
  }
}
