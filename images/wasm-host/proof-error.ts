/** The error of a worker that is alive and could not prove its tier. */
import type { FailureClass } from '../allocator/host-report.ts';

export class ProofError extends Error {
  readonly class: FailureClass;

  constructor(failureClass: FailureClass, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ProofError';
    this.class = failureClass;
  }
}
