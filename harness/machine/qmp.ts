/**
 * QEMU's machine protocol: one JSON object per line. Six commands are needed, each with a hard deadline, which the
 * published clients lack. Source: QEMU docs/interop/qmp-spec.
 */
import type { Duplex } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { PoolproofError } from '../errors.ts';
import type { GuestTime } from './guest-time.ts';

/** Far beyond any answer to these commands; QEMU's own are below 4 KiB. */
const maxLineCharacters = 2 ** 20;

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** One line of QEMU's as an object; null when it is none. */
function parseMessage(line: string): Fields | null {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

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
  readonly #negotiated: Promise<unknown>;
  #isNegotiated = false;
  #shutdownReason: string | null = null;
  #closed: PoolproofError | null = null;
  readonly #onBroken: (error: PoolproofError) => void;

  /** `onBroken` is called when QEMU sends anything but a message: nothing counts after that. */
  constructor(stream: Duplex, time: GuestTime, onBroken: (error: PoolproofError) => void = () => undefined) {
    this.#stream = stream;
    this.#time = time;
    this.#onBroken = onBroken;
    // A character may be cut between two chunks.
    const decoder = new StringDecoder('utf8');
    stream.on('data', (chunk: Buffer) => this.#push(decoder.write(chunk)));
    const close = (): void => this.#close();
    stream.on('close', close);
    stream.on('end', close);
    // A reset of the socket is QEMU's end; #close rejects the waiting commands.
    stream.on('error', close);
    // QEMU ignores everything before the capabilities were negotiated, and is silent about what happens to it, its end
    // among it. Its greeting needs no waiting for.
    this.#negotiated = new Promise((resolve, reject) => {
      this.#waiting.set(0, { command: 'qmp_capabilities', resolve, reject });
      this.#rejecters.add(reject);
    });
    // The caller of a command gets the error.
    this.#negotiated.then(
      () => (this.#isNegotiated = true),
      () => undefined,
    );
    stream.write(`${JSON.stringify({ execute: 'qmp_capabilities', id: 0 })}\n`);
  }

  /**
   * The reason for the end of guest or QEMU, in QEMU's own word (`guest-reset`, `host-signal`); null while neither has
   * ended, or if QEMU could no longer send it.
   */
  get shutdownReason(): string | null {
    return this.#shutdownReason;
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
    if (!this.#isNegotiated) {
      await this.#withDeadline('qmp_capabilities', timeoutMs, (resolve, reject) => {
        this.#negotiated.then(resolve, reject);
      });
    }
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
    if (this.#closed !== null) return;
    const lines = (this.#pending + text).split('\n');
    this.#pending = lines.pop() ?? '';
    if ([...lines, this.#pending].some(({ length }) => length > maxLineCharacters)) {
      this.#breakOff(`a line of more than ${maxLineCharacters / 2 ** 20} MiB`);
      return;
    }
    for (const line of lines) {
      if (line.trim() === '') continue;
      const message = parseMessage(line);
      if (message === null) {
        this.#breakOff(`what is no message: ${JSON.stringify(line.slice(0, 100))}`);
        return;
      }
      this.#receive(message);
    }
  }

  #receive({ event, data, id, error, return: answer }: Fields): void {
    if (typeof event === 'string') {
      if (event === 'SHUTDOWN' && isObject(data) && typeof data['reason'] === 'string')
        this.#shutdownReason ??= data['reason'];
      const waiters = this.#eventWaiters.get(event) ?? [];
      if (waiters.length === 0) return;
      const left = waiters.filter((waiter) => !waiter(isObject(data) ? data : {}));
      this.#eventWaiters.set(event, left);
      return;
    }
    const waiting = typeof id === 'number' ? this.#waiting.get(id) : undefined;
    if (waiting === undefined) return; // the greeting
    if (error === undefined) waiting.resolve(answer);
    else {
      const reason = isObject(error) && typeof error['desc'] === 'string' ? error['desc'] : 'refused';
      waiting.reject(new PoolproofError('QMP_ERROR', `${waiting.command}: ${reason}`));
    }
  }

  /** QEMU is damaged, or is not QEMU. */
  #breakOff(what: string): void {
    const failure = new PoolproofError('QMP_ERROR', `QEMU sent ${what} over its machine protocol`);
    this.#pending = '';
    this.#closed = failure;
    this.#close();
    this.#stream.destroy();
    this.#onBroken(failure);
  }

  #close(): void {
    this.#closed ??= new PoolproofError('QMP_ERROR', 'QEMU closed its machine protocol');
    for (const reject of [...this.#rejecters]) reject(this.#closed);
  }
}
