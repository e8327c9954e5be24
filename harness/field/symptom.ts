/**
 * The symptom of a failure: the act that failed, the engine, the class and the words, read from the output of a report
 * or a subject, or from the attempts of the wasm host. Two symptoms are the same when all of these agree, and every
 * number that the first one names.
 */
import { classifyEngineText, type EngineText } from '../../images/allocator/failure.ts';
import { findMessage, type Act, type KnownMessage } from '../../images/allocator/known-messages.ts';
import { plainLine } from '../outcome/plain-text.ts';
import type { Result } from '../store/result.ts';
import { findSizes } from './pool-sizes.ts';
import type { FieldReport } from './report.ts';

export type Symptom = Readonly<{
  act: Act;
  engine: KnownMessage['engine'];
  /** A failure class of the wasm host. */
  class: string;
  pool: string | null;
  bytes: number | null;
  /** Of the operating system's error, where the text has its number. */
  errno: EngineText['errno'];
  /** Memories or instances that were made before the one that failed, where the text counts them. */
  count: number | null;
  /** What was to start a thread or process; null for other acts, and where nothing tells. */
  starter: string | null;
  /** The words that decide, for comparison; empty where there are none. */
  words: string;
  /** The line that says it; for people. */
  text: string;
}>;

const nothing = { pool: null, bytes: null, errno: null, count: null, starter: null, words: '' } as const;

/** What starts threads and processes, by its words; first match wins. */
const starters: readonly Readonly<{ words: RegExp; name: string }>[] = [
  { words: /OS can't spawn worker thread|tokio/, name: "a worker thread of tokio's" },
  { words: /ThreadPoolBuild|rayon|global thread pool/i, name: "the thread pool of rayon's" },
  { words: /ERR_WORKER_INIT_FAILED/, name: "a worker of Node's" },
  { words: /\bv?fork\b|\bclone\b|spawn \S+ EAGAIN|[Cc]annot fork/, name: 'a process' },
  { words: /pthread_create|uv_thread_create/, name: 'a thread of C code' },
  { words: /std\/src\/|thread\/(?:mod|functions)\.rs|failed to spawn thread/, name: "a thread of Rust's" },
  { words: /java|native thread/, name: "a thread of Java's" },
  { words: /runtime: failed to create new OS thread/, name: "a thread of Go's" },
  { words: /can't start new thread/, name: "a thread of Python's" },
];

const starterOf = (...texts: readonly string[]): string | null =>
  texts
    .map((text) => starters.find(({ words }) => words.test(text))?.name)
    .find((name) => name !== undefined) ?? null;

const counted = /\b(\d{1,5}) (?:[\w.]+ ){0,2}(?:memories|instances)\b/gi;

/** The last number of memories or instances in a text: it grows until one fails. */
const countIn = (text: string): number | null => {
  const last = [...text.matchAll(counted)].at(-1)?.[1];
  return last === undefined ? null : Number(last);
};

/** The failure in a text, or null when nothing in it is known. */
export function symptomOfText(text: string): Symptom | null {
  const found = findMessage(text);
  if (found === null || found.message.act === 'unknown') return null;
  const { message, words, at } = found;
  const { pool, bytes, errno } = classifyEngineText(text);
  const line = lineAt(text, at);
  // The cause alone, without the line that names the pool.
  const charged = message.act === 'memory' && pool === null ? chargedPool(words, bytes) : null;
  const bare = charged !== null || (message.act === 'memory' && isPool(bytes));
  return {
    act: bare ? 'pool' : message.act,
    engine: message.engine,
    class: bare ? 'pool-mapping' : message.class,
    pool: charged ?? pool,
    bytes,
    errno,
    count: message.act === 'memory' || message.act === 'instance' ? countIn(text) : null,
    starter: message.act === 'thread' ? starterOf(line, text) : null,
    words: plainLine(words, 200)
      .toLowerCase()
      // Of older versions; the same act.
      .replace('readable+', '')
      // Whatever was to be started.
      .replace(/^spawn .* eagain$/, 'spawn eagain')
      // A shell's name of the signal, and the harness's.
      .replace(/^(?:illegal instruction|sigill)$/, '')
      // On the command line, and in the environment.
      .replace(/^(?:bad option:|is not allowed in node_options)\s*$/, '')
      .replace(/[.\s]+$/, ''),
    text: line,
  };
}

/** One linear memory takes its 4 GiB and guards, or 8 or 10; what is larger by far is a pool of them. */
const isPool = (bytes: number | null): boolean => bytes !== null && bytes > 16 * 2 ** 30;

/** Pools of tables and stacks are allocated, where memories are reserved; their sizes give them away. */
const chargedPool = (words: string, bytes: number | null): 'table' | 'stack' | null =>
  bytes !== null && words.includes('allocate')
    ? ((['table', 'stack'] as const).find((kind) => findSizes(kind, bytes) !== null) ?? null)
    : null;

/** How a command ended: a status above 128 is a signal. Of a report that is cut off before it, nobody knows. */
export function endOfCommand({ command, cutOffIn }: FieldReport): 'none' | 'failed' | 'worked' | 'unknown' {
  if (command === undefined) return cutOffIn === null ? 'none' : 'unknown';
  const { exit, signal } = command;
  if (signal !== null && signal !== 'none') return 'failed';
  if (exit === null || exit === 'none') return 'unknown';
  return exit === 0 ? 'worked' : 'failed';
}

/** The failure in a report; null when its command did not fail, or in words that nobody knows. */
export function symptomOfReport({ command }: FieldReport): Symptom | null {
  if (command === undefined) return null;
  const known = symptomOfText((command.output ?? []).join('\n'));
  if (known !== null) return known;
  if (command.signal === 'SIGKILL' || command.exit === 137)
    return { ...nothing, act: 'unknown', engine: null, class: 'killed', text: 'SIGKILL' };
  if (command.signal === 'SIGILL' || command.exit === 132)
    return { ...nothing, act: 'instruction', engine: null, class: 'crashed', text: 'SIGILL' };
  return null;
}

const lineAt = (text: string, index: number): string =>
  plainLine(text.slice(text.lastIndexOf('\n', index) + 1).split('\n')[0] ?? '', 200);

/** What an instance is for in these subjects: their one line does not say it. */
const actsOfSubjects: Readonly<Record<string, Act>> = { 'node-fetch': 'fetch', 'node-cjs-import': 'import' };

/** Every failure in a result: of each tier that did not work, and of the process itself. */
export function symptomsOf({ outcome, reason, tiers, subject, settings }: Result): readonly Symptom[] {
  if (subject !== undefined) {
    const said = [subject.line ?? '', ...(subject.causes ?? [])].join('\n');
    const known = symptomOfText(said) ?? (outcome === 'reached' ? null : symptomOfText(reason));
    const act = known?.act === 'instance' ? (actsOfSubjects[settings.subject] ?? known.act) : known?.act;
    if (known !== null) return [{ ...known, ...(act !== undefined && { act }) }];
    if (outcome === 'reached' && subject.failure === null) return [];
    const other = subject.signal === 'SIGILL' ? 'instruction' : 'unknown';
    return [{ ...nothing, act: other, engine: null, class: 'crashed', text: subject.line ?? reason }];
  }
  if (outcome === 'crashed')
    return [
      symptomOfText(reason) ?? { ...nothing, act: 'start', engine: null, class: 'crashed', text: reason },
    ];
  const engine = settings.engine === 'v8' ? 'v8' : 'wasmtime';
  return tiers.flatMap((tier): Symptom[] => {
    if (tier.ok || tier.class === null) return [];
    const text = tier.message ?? '';
    const known = symptomOfText(text) ?? { ...nothing, act: 'unknown' as const };
    return [{ ...known, engine, class: tier.class, pool: tier.pool, bytes: tier.bytes, text }];
  });
}

const actNames: Readonly<Record<Act, string>> = {
  start: 'the start of the runtime',
  memory: 'one more linear memory',
  growth: 'the growth of a memory',
  instance: 'an instance of a module',
  fetch: 'fetch()',
  import: 'the import of a CommonJS file',
  pool: 'a pool of the engine',
  thread: 'a thread or process',
  heap: 'the JavaScript heap, filled at run time',
  commit: 'memory for the JavaScript heap',
  instruction: 'an instruction of the processor',
  code: 'memory that becomes executable',
  option: 'an option of the runtime',
  unknown: 'something unknown',
};

export const describeAct = (act: Act): string => actNames[act];

/** Acts that the same limit refuses: with more address space each of them succeeds. */
const addressSpaceActs: readonly Act[] = ['start', 'memory', 'instance', 'fetch', 'import', 'pool', 'commit'];

function compareActs(wanted: Symptom, seen: Symptom): string {
  const same = addressSpaceActs.includes(wanted.act) && addressSpaceActs.includes(seen.act);
  const acts = `${describeAct(wanted.act)} was reported, ${describeAct(seen.act)} failed here`;
  return same && wanted.engine === seen.engine ? `same limit, another act: ${acts}` : `another act: ${acts}`;
}

const hex = (bytes: number | null): string =>
  bytes === null ? 'no number' : `0x${bytes.toString(16)} bytes`;

/** What differs, in words; empty when it is the same failure. */
export function compareSymptoms(wanted: Symptom, seen: Symptom): readonly string[] {
  if (wanted.engine !== null && seen.engine !== null && wanted.engine !== seen.engine)
    return [`another engine: ${wanted.engine} was reported, ${seen.engine} failed here`];
  if (wanted.act !== seen.act) return [compareActs(wanted, seen)];
  const isSameWords =
    wanted.words === '' || wanted.words.includes(seen.words || ' ') || seen.words.includes(wanted.words);
  return [
    wanted.class !== seen.class && `${wanted.class} was reported, ${seen.class} was seen`,
    wanted.pool !== null &&
      wanted.pool !== seen.pool &&
      `another pool: the ${wanted.pool} pool was reported, ${seen.pool === null ? 'no pool' : `the ${seen.pool} pool`} was seen`,
    wanted.bytes !== null &&
      wanted.bytes !== seen.bytes &&
      `same cause, another size: ${hex(wanted.bytes)} were reported, ${hex(seen.bytes)} were seen`,
    wanted.count !== null &&
      seen.count !== null &&
      wanted.count !== seen.count &&
      `same cause, another number: ${wanted.count} were made before it there, ${seen.count} here`,
    wanted.class === seen.class &&
      wanted.bytes === null &&
      !isSameWords &&
      `same cause, other words: "${wanted.words}" was reported, "${seen.words}" was seen`,
  ].filter((said) => said !== false);
}

const errnoNumbers: Readonly<Record<NonNullable<Symptom['errno']>, number>> = {
  EPERM: 1,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EINVAL: 22,
};
const nameErrno = (errno: NonNullable<Symptom['errno']>): string =>
  `${errno} (os error ${errnoNumbers[errno]})`;

/** What makes the same failure one of something that stands in: another error number, another starter of a thread. */
export function listStandIns(wanted: Symptom, seen: Symptom): readonly string[] {
  return [
    wanted.errno !== null &&
      seen.errno !== null &&
      wanted.errno !== seen.errno &&
      `another error: ${nameErrno(wanted.errno)} was reported, ${nameErrno(seen.errno)} was seen`,
    wanted.starter !== null &&
      wanted.starter !== seen.starter &&
      `another act: ${wanted.starter} was reported, ${seen.starter ?? 'another thread or process'} failed here`,
  ].filter((said) => said !== false);
}

/** The nearest failure among several: the same act first, then fewest differences. Null without any. */
export function nearestSymptom(
  wanted: Symptom,
  seen: readonly Symptom[],
): Readonly<{ symptom: Symptom; differences: readonly string[] }> | null {
  const compared = seen.map((symptom) => ({ symptom, differences: compareSymptoms(wanted, symptom) }));
  const distance = ({ symptom, differences }: (typeof compared)[number]): number =>
    differences.length + (symptom.act === wanted.act ? 0 : 10);
  return compared.sort((a, b) => distance(a) - distance(b))[0] ?? null;
}

/** Outcome, tier and failures as one text: what minimize keeps, and what repro of a cell compares. */
export function signatureOf(result: Result): string {
  const { outcome, subject } = result;
  if (outcome === 'crashed' && subject === undefined) return 'crashed';
  const failures =
    subject?.failure != null
      ? [subject.failure]
      : symptomsOf(result).map(({ class: name, pool }) => (pool === null ? name : `${name} ${pool}`));
  return [outcome, ...(result.tier === null ? [] : [result.tier]), ...failures].join(', ');
}
