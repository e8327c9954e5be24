/**
 * QEMU's machine protocol: one JSON object a line. Six commands are needed, each with a hard deadline,
 * which the published clients lack.
 * Source: QEMU docs/interop/qmp-spec.
 */
import type { Duplex } from 'node:stream';
import { PoolproofError } from '../errors.ts';
import type { GuestTime } from './guest-time.ts';

type Message = Readonly<{
  QMP?: unknown;
  event?: string;
  data?: Readonly<Record<string, unknown>>;
  return?: unknown;
  error?: { class: string; desc: string };
  id?: number;
}>;

type Waiting = Readonly<{
  command: string;
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}>;

export class Qmp {
  readonly #stream: Duplex;
  readonly #time: GuestTime;
  readonly #waiting = new Map<number, Waiting>();
  readonly #eventWaiters = new Map<string, ((data: Readonly<Record<string, unknown>>) => boolean)[]>();
  #pending = '';
  #nextId = 1;
  #negotiated: Promise<unknown> | null = null;
  #closed: PoolproofError | null = null;

  constructor(stream: Duplex, time: GuestTime) {
    this.#stream = stream;
    this.#time = time;
    stream.on('data', (chunk: Buffer) => this.#push(chunk.toString('utf8')));
    const close = (): void => this.#close();
    stream.on('close', close);
    stream.on('end', close);
    // A reset of the socket is how QEMU's end looks from here; who waits is told by #close.
    stream.on('error', close);
  }

  /**
   * Runs one command.
   * @throws PoolproofError QMP_ERROR when QEMU refuses, ends, or does not answer within `timeoutMs`.
   */
  async execute(
    command: string,
    parameters: Readonly<Record<string, unknown>>,
    timeoutMs: number,
  ): Promise<unknown> {
    // QEMU ignores everything before the capabilities were negotiated; its greeting needs no waiting for.
    this.#negotiated ??= this.#send('qmp_capabilities', {}, timeoutMs);
    await this.#negotiated;
    return this.#send(command, parameters, timeoutMs);
  }

  /** Resolves with the first event of that name whose data satisfy `accept`. */
  waitForEvent(
    name: string,
    accept: (data: Readonly<Record<string, unknown>>) => boolean,
    timeoutMs: number,
  ): Promise<void> {
    return this.#withDeadline(`event ${name}`, timeoutMs, (resolve) => {
      const waiter = (data: Readonly<Record<string, unknown>>): boolean => {
        if (!accept(data)) return false;
        resolve(undefined);
        return true;
      };
      this.#eventWaiters.set(name, [...(this.#eventWaiters.get(name) ?? []), waiter]);
    }) as Promise<void>;
  }

  #send(command: string, parameters: Readonly<Record<string, unknown>>, timeoutMs: number): Promise<unknown> {
    const id = this.#nextId++;
    return this.#withDeadline(command, timeoutMs, (resolve, reject) => {
      this.#waiting.set(id, { command, resolve, reject });
      this.#stream.write(`${JSON.stringify({ execute: command, arguments: parameters, id })}\n`);
    }).finally(() => this.#waiting.delete(id));
  }

  async #withDeadline(
    what: string,
    timeoutMs: number,
    start: (resolve: (value: unknown) => void, reject: (error: Error) => void) => void,
  ): Promise<unknown> {
    if (this.#closed !== null) throw this.#closed;
    let rejecter: ((error: Error) => void) | undefined;
    const answer = new Promise<unknown>((resolve, reject) => {
      rejecter = reject;
      this.#rejecters.add(reject);
      start(resolve, reject);
    });
    try {
      return await this.#time.within(answer, { what: `${what}: no answer`, ms: timeoutMs });
    } catch (error) {
      if (!(error instanceof PoolproofError) || error.code === 'QMP_ERROR') throw error;
      throw new PoolproofError('QMP_ERROR', error.message, { cause: error });
    } finally {
      if (rejecter !== undefined) this.#rejecters.delete(rejecter);
    }
  }

  readonly #rejecters = new Set<(error: Error) => void>();

  #push(text: string): void {
    const lines = (this.#pending + text).split('\n');
    this.#pending = lines.pop() ?? '';
    for (const line of lines) {
      if (line.trim() !== '') this.#receive(JSON.parse(line) as Message);
    }
  }

  #receive(message: Message): void {
    if (message.event !== undefined) {
      const waiters = this.#eventWaiters.get(message.event) ?? [];
      this.#eventWaiters.set(
        message.event,
        waiters.filter((waiter) => !waiter(message.data ?? {})),
      );
      return;
    }
    const waiting = message.id === undefined ? undefined : this.#waiting.get(message.id);
    if (waiting === undefined) return; // the greeting
    if (message.error === undefined) waiting.resolve(message.return);
    else waiting.reject(new PoolproofError('QMP_ERROR', `${waiting.command}: ${message.error.desc}`));
  }

  #close(): void {
    this.#closed ??= new PoolproofError('QMP_ERROR', 'QEMU closed its machine protocol');
    for (const reject of [...this.#rejecters]) reject(this.#closed);
  }
}
