/** Small runs with known verdicts, in which faults happen. */
import { pick, type Random } from './draw.ts';
import type { Result } from '../../harness/store/result.ts';

/** One end that is right for a cell. */
export type Truth = Readonly<{
  outcome: Result['outcome'];
  tier?: Result['tier'];
  /** Of a foreign subject. */
  signal?: string;
  /** Text that the reason must contain, or must not. */
  says?: RegExp;
  saysNot?: RegExp;
}>;

export type SmallCell = Readonly<{
  /** The cell of the run: its subject, and its overcommit mode. */
  subject: string;
  overcommit: number;
  /** Without one, only no verdict is right. */
  truths: readonly Truth[];
}>;

export type SmallRun = Readonly<{ name: string; text: string; cells: readonly SmallCell[] }>;

const standard: Truth = { outcome: 'reached', tier: 'standard' };
const conservative: Truth = { outcome: 'reached', tier: 'conservative' };

export type ForeignSubject = Readonly<{
  name: string;
  /** For busybox' shell; `b` is busybox. */
  script: string;
  /** @default 20 */
  timeoutSeconds?: number;
  truths: readonly Truth[];
}>;

export const saysStandard: ForeignSubject = { name: 'echo', script: 'echo STD', truths: [standard] };

/** Its time is up at twice what it takes. */
const sleeps: ForeignSubject = {
  name: 'sleeps',
  script: '$b sleep 2; echo STD',
  timeoutSeconds: 4,
  truths: [standard],
};

const neverUp: ForeignSubject = {
  name: 'late',
  script: '$b sleep 100; echo STD',
  timeoutSeconds: 1,
  truths: [{ outcome: 'timeout' }],
};

/** The rule of the matrix for a cell, so that a right outcome has a verdict. */
const demandOf = ([truth]: readonly Truth[]): object =>
  truth?.tier === undefined || truth.tier === null
    ? { outcome: truth?.outcome ?? 'reached' }
    : { tier: truth.tier };

/** A run of programs in busybox' shell, beside which nothing is warmed but Node. */
export function runOfSubjects(name: string, subjects: readonly ForeignSubject[]): SmallRun {
  const form = ({ script, timeoutSeconds = 20 }: ForeignSubject): object => ({
    run: ['/bin/busybox', 'sh', '-c', `b=/bin/busybox; ${script}`],
    tiers: { standard: '^STD', 'on-demand': ['^OND', 'OND$'] },
    timeout: `${timeoutSeconds}s`,
  });
  const matrix = {
    title: name,
    subjects: Object.fromEntries(subjects.map((subject) => [subject.name, form(subject)])),
    axes: { memory: '512M', subject: subjects.map((subject) => subject.name) },
    expect: subjects.map((subject) => ({ where: { subject: subject.name }, ...demandOf(subject.truths) })),
  };
  return {
    name,
    // JSON is YAML.
    text: `${JSON.stringify(matrix, null, 1)}\n`,
    cells: subjects.map(({ name: subject, truths }) => ({ subject, overcommit: 0, truths })),
  };
}

const hostText = `title: hosts
axes: { memory: 512M, overcommit: [0, 2] }
expect:
  - { where: { overcommit: 0 }, tier: standard }
  - { where: { overcommit: 2 }, tier: conservative }
`;

const hostCells: readonly SmallCell[] = [
  { subject: 'wasm-host', overcommit: 0, truths: [standard] },
  { subject: 'wasm-host', overcommit: 2, truths: [conservative] },
];

/** Two wasm hosts, 1.5 s each. */
export const hosts: SmallRun = { name: 'hosts', text: hostText, cells: hostCells };

/** Another matrix with the same cells. */
export const otherHosts: SmallRun = { ...hosts, text: hostText.replace('title: hosts', 'title: others') };

/** Programs that are up at once, after 2 s and never. */
export const programs: SmallRun = runOfSubjects('programs', [saysStandard, sleeps, neverUp]);

/** One of the two whose templates are there. */
export const drawRun = (random: Random): SmallRun => pick(random, [hosts, programs]);
