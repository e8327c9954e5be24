/** A tier that could not be proven although the worker is alive to say so. */
import type { FailureClass } from '../allocator/host-report.ts';

export class ProofError extends Error {
  readonly class: FailureClass;

  constructor(failureClass: FailureClass, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ProofError';
    this.class = failureClass;
  }
}
