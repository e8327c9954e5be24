/** The conversation with the session in a guest: requests one after another, each with a deadline. */
import { randomBytes } from 'node:crypto';
import {
  formatRequest,
  protocolVersion,
  ReplyReader,
  seedBytes,
  type Reply,
  type Request,
} from '../../images/guest/protocol.ts';
import { PoolproofError } from '../errors.ts';
import type { Machine } from '../machine/machine.ts';

/** What was said, for the evidence; bytes of a subject's output are summed up, not repeated. */
export type ProtocolLog = readonly string[];

const logLines = 2000;

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
   * @throws PoolproofError MACHINE_EXITED when QEMU ends first, MACHINE_TIMEOUT after `timeoutMs`,
   * PROTOCOL when the guest reports an error or breaks the protocol.
   */
  async request(request: Request, timeoutMs: number): Promise<Reply> {
    const seq = ++this.#seq;
    const line = formatRequest(this.#token, seq, request);
    this.#note(`> ${line.trimEnd()}`);
    let timer: NodeJS.Timeout | undefined;
    try {
      const reply = await Promise.race([
        new Promise<Reply>((resolve, reject) => {
          this.#waiting = { seq, resolve, reject };
          this.#machine.session.write(line);
        }),
        this.#machine.exited.then((exit) => {
          throw new PoolproofError('MACHINE_EXITED', `QEMU ended during ${request.verb}`, {
            stderr: exit.stderr,
          });
        }),
        new Promise<never>((_resolve, reject) => {
          timer = setTimeout(() => {
            reject(
              new PoolproofError('MACHINE_TIMEOUT', `no answer to ${request.verb} within ${timeoutMs} ms`),
            );
          }, timeoutMs);
        }),
      ]);
      if (!reply.ok) throw new PoolproofError('PROTOCOL', `${request.verb}: ${reply.values['error'] ?? ''}`);
      return reply;
    } finally {
      clearTimeout(timer);
      this.#waiting = null;
    }
  }

  /** Resolves when the session says that word outside a reply: a shell it was asked to run has ended. */
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
    // A late reply to a request whose deadline has passed belongs to nobody.
    if (this.#waiting?.seq === reply.seq) this.#waiting.resolve(reply);
  }

  #note(line: string): void {
    if (this.#log.length < logLines) this.#log.push(line);
  }
}
