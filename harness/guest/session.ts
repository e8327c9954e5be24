/** The conversation with the session in a guest: requests one after another, each with a deadline. */
import { randomBytes } from 'node:crypto';
import {
  formatRequest,
  formatStop,
  protocolVersion,
  ReplyReader,
  seedBytes,
  type Reply,
  type Request,
} from '../../images/guest/protocol.ts';
import { PoolproofError } from '../errors.ts';
import type { Machine } from '../machine/machine.ts';
import { backstopSeconds } from '../plan/deadlines.ts';

/** The conversation, for the evidence; a subject's output is summarized, not repeated. */
export type ProtocolLog = readonly string[];

const logLines = 2000;

/** A run without what the session itself decides. */
export type RunRequest = Omit<Extract<Request, { verb: 'run' }>, 'verb' | 'backstopSeconds'>;

/** Milliseconds, of the time a guest could have run. */
export type RunDeadline = Readonly<{
  /** Then the run is ended by a request. */
  ms: number;
  /** Time for its reply from then on. */
  replyMs: number;
}>;

export class Session {
  readonly #machine: Machine;
  readonly #token = randomBytes(12).toString('hex');
  readonly #log: string[] = [];
  readonly #reader: ReplyReader;
  #seq = 0;
  #onNote: (word: string) => void = () => undefined;
  #waiting: { seq: number; resolve: (reply: Reply) => void; reject: (error: Error) => void } | null = null;
  /** Kernel release as `uname -r` gives it; empty before the handshake. */
  release = '';

  private constructor(machine: Machine) {
    this.#machine = machine;
    this.#reader = new ReplyReader(
      this.#token,
      (reply) => this.#receive(reply),
      (line) => {
        this.#note(`? ${line.slice(0, 200)}`);
        const [token, , word = ''] = line.split(' ');
        if (token === this.#token) this.#onNote(word);
      },
    );
    machine.session.on('data', (chunk: Buffer) => {
      try {
        this.#reader.push(chunk);
      } catch (error) {
        this.#waiting?.reject(new PoolproofError('PROTOCOL', String(error), { cause: error }));
      }
    });
  }

  /**
   * Handshake with a machine that boots or was cloned. The harness speaks first: what a guest writes before
   * the other end listens is lost.
   * @throws PoolproofError MACHINE_EXITED, MACHINE_TIMEOUT or PROTOCOL.
   */
  static async open(machine: Machine, timeoutMs: number): Promise<Session> {
    const session = new Session(machine);
    const reply = await session.request(
      {
        verb: 'hello',
        token: session.#token,
        epochMs: Date.now(),
        seed: randomBytes(seedBytes),
      },
      timeoutMs,
    );
    if (reply.values['protocol'] !== String(protocolVersion)) {
      throw new PoolproofError(
        'PROTOCOL',
        `the guest speaks protocol ${reply.values['protocol'] ?? 'unknown'}`,
      );
    }
    session.release = reply.values['release'] ?? '';
    return session;
  }

  /**
   * Sends a request and waits for its reply.
   * @param timeoutMs milliseconds of the time the guest could have run
   * @throws PoolproofError MACHINE_EXITED when QEMU ends first, MACHINE_TIMEOUT after `timeoutMs`, MACHINE_STALLED when
   * the guest hardly got to run, PROTOCOL when the guest reports an error or breaks the protocol.
   */
  async request(request: Request, timeoutMs: number): Promise<Reply> {
    try {
      const reply = this.#send(request);
      return await this.#wait(reply, request.verb, timeoutMs);
    } finally {
      this.#waiting = null;
    }
  }

  /**
   * Runs a program and waits for its end; at its deadline it is ended, and the reply reports that.
   * @throws PoolproofError as {@link request} does, MACHINE_TIMEOUT when no reply follows the end of the program.
   */
  async run(request: RunRequest, deadline: RunDeadline): Promise<Reply> {
    try {
      const reply = this.#send({ verb: 'run', backstopSeconds: backstopSeconds(deadline.ms), ...request });
      try {
        return await this.#wait(reply, 'run', deadline.ms);
      } catch (error) {
        if (!(error instanceof PoolproofError) || error.code !== 'MACHINE_TIMEOUT') throw error;
        const stop = formatStop(this.#token, this.#seq);
        this.#note(`> ${stop.trimEnd()}`);
        this.#machine.session.write(stop);
        return await this.#wait(reply, 'run after it was stopped', deadline.replyMs);
      }
    } finally {
      this.#waiting = null;
    }
  }

  /** Resolves with the reply to a request; rejects when QEMU ends first. */
  #send(request: Request): Promise<Reply> {
    const seq = ++this.#seq;
    const line = formatRequest(this.#token, seq, request);
    this.#note(`> ${line.trimEnd()}`);
    return Promise.race([
      new Promise<Reply>((resolve, reject) => {
        this.#waiting = { seq, resolve, reject };
        this.#machine.session.write(line);
      }),
      this.#machine.exited.then((exit) => {
        throw new PoolproofError('MACHINE_EXITED', `QEMU ended during ${request.verb}`, {
          stderr: exit.stderr,
        });
      }),
    ]);
  }

  async #wait(pending: Promise<Reply>, verb: string, ms: number): Promise<Reply> {
    const reply = await this.#machine.time.within(pending, { what: `no answer to ${verb}`, ms });
    if (!reply.ok) throw new PoolproofError('PROTOCOL', `${verb}: ${reply.values['error'] ?? ''}`);
    return reply;
  }

  /** Resolves when the session says that word outside a reply: a shell has ended. */
  waitForNote(word: string): Promise<void> {
    return new Promise((resolve) => {
      this.#onNote = (said) => {
        if (said === word) resolve();
      };
    });
  }

  /** Text files of a reply that never ended. */
  get unfinishedTexts(): Readonly<Record<string, string>> {
    return this.#reader.unfinishedTexts;
  }

  get log(): ProtocolLog {
    return this.#log;
  }

  #receive(reply: Reply): void {
    const streams = Object.entries(reply.data).map(([name, bytes]) => ` ${name}:${bytes.length}B`);
    for (const [path, text] of Object.entries(reply.texts)) this.#note(`< ${reply.seq} text ${path} ${text}`);
    const words = Object.entries(reply.values).map(([key, value]) => ` ${key}=${value}`);
    this.#note(`< ${reply.seq} ${reply.ok ? 'ok' : 'error'}${words.join('')}${streams.join('')}`);
    // A late reply to a request whose deadline has passed is ignored.
    if (this.#waiting?.seq === reply.seq) this.#waiting.resolve(reply);
  }

  #note(line: string): void {
    if (this.#log.length < logLines) this.#log.push(line);
  }
}
