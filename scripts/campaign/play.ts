/** Plays one scene with the real command line, and checks its result. */
import {
  checkExitCode,
  checkFiles,
  checkProcesses,
  checkWords,
  isRefusal,
  judgeResults,
  lastLines,
  readLines,
  type Judged,
} from './checks.ts';
import type { End } from './harness.ts';
import type { Outcome, Scene } from './table.ts';
import type { Workplace } from './workplace.ts';

type Played = Pick<Outcome, 'right' | 'silent' | 'reasons' | 'refused' | 'missed' | 'failures'>;

/** Compares the lines of the newest run with the known verdicts. */
function judgeRun(place: Workplace, scene: Scene): Judged {
  const { results, failures } = readLines(place.runDir);
  const judged = judgeResults(results, scene.run.cells);
  return { ...judged, failures: [...failures, ...judged.failures] };
}

/** Allowed ends of the harness in a scene. */
function checkEnd(
  end: End,
  judged: Judged,
  { ends, lacks }: Pick<Scene, 'ends' | 'lacks'>,
): readonly string[] {
  const words = checkWords(end, 'the run');
  if (ends === 'refused') {
    return isRefusal(end)
      ? words
      : [
          ...words,
          `not refused: exit code ${end.exitCode ?? end.signal ?? 'none'}, ${lastLines(end.stderr)}`,
        ];
  }
  const isStopped = end.signal !== null || end.exitCode === 130;
  if (ends === 'stopped' && !isStopped && judged.missing.length > 0)
    return [
      ...words,
      `exit code ${end.exitCode ?? 'none'} of a run that was ended: ${lastLines(end.stderr)}`,
    ];
  if (ends === 'judged' && isStopped) return [...words, `ended by ${end.signal ?? 'an interruption'}`];
  if (ends === 'judged' && judged.missing.length > 0)
    return [...words, `no line for ${judged.missing.join('; ')}: ${lastLines(end.stderr)}`];
  return isStopped ? words : [...words, ...checkExitCode(end, judged, lacks)];
}

/** A report of a run that is not whole must say so, and must not be green. */
async function checkReport(place: Workplace, { missing }: Judged): Promise<readonly string[]> {
  const { runDir } = place;
  if (runDir === null || missing.length === 0) return [];
  const end = await place.call(['report', runDir, '--format', 'tap']).ended;
  const failures = [...checkWords(end, 'the report')];
  if (end.exitCode !== 2)
    failures.push(
      `the report of a run with ${missing.length} cells missing has exit code ${end.exitCode ?? 'none'}`,
    );
  if (!/missing|not finished/i.test(end.stdout + end.stderr))
    failures.push('the report does not say that cells are missing');
  return failures;
}

async function resume(
  place: Workplace,
  scene: Scene,
): Promise<Readonly<{ refused: boolean; failures: readonly string[] }>> {
  const end = await place.start(scene.run, ['--resume']).ended;
  const failures = [...checkWords(end, 'the resumed run')];
  if (typeof scene.resume === 'object') {
    const { code } = scene.resume;
    const refused = isRefusal(end, code);
    if (!refused)
      failures.push(
        `--resume is not refused with ${code}: exit code ${end.exitCode ?? 'none'}, ${lastLines(end.stderr)}`,
      );
    return { refused, failures };
  }
  const judged = judgeRun(place, scene);
  failures.push(...judged.failures);
  if (judged.missing.length > 0 || judged.silent > 0 || end.exitCode !== 0) {
    failures.push(
      `not complete after --resume: ${judged.missing.length} missing, ${judged.silent} without a verdict, ` +
        `exit code ${end.exitCode ?? 'none'}: ${lastLines(end.stderr)}`,
    );
  }
  return { refused: false, failures };
}

const envOf = ({ root }: Workplace, { env = {}, path }: Scene): Readonly<Record<string, string>> =>
  path === undefined ? env : { ...env, PATH: `${root}${path}:${process.env['PATH'] ?? ''}` };

/** @throws Error when the campaign itself is at fault, e.g. a mount that is refused. */
export async function playScene(place: Workplace, scene: Scene): Promise<Played> {
  const failures: string[] = [];
  place.reset();
  try {
    await scene.before?.(place);
    const harness = place.start(scene.run, scene.args ?? [], envOf(place, scene));
    let missed = false;
    try {
      if (scene.strike !== undefined) {
        missed = !(await harness.reach(scene.moment ?? { after: 'start', ms: 0 }));
        if (!missed) failures.push(...(await scene.strike(harness, place)));
      }
    } finally {
      // Stopped processes continue, or the end would never come.
      harness.signalGroup('SIGCONT');
    }
    const end = await harness.ended;
    failures.push(...(await checkProcesses(place.root)));
    const judged = judgeRun(place, scene);
    failures.push(
      ...judged.failures,
      ...checkEnd(end, judged, missed && scene.ends === 'stopped' ? { ends: 'judged' } : scene),
    );
    let refused = scene.ends === 'refused' && isRefusal(end);
    failures.push(...(await checkReport(place, judged)));
    await scene.between?.(place);
    if (scene.resume !== undefined && (place.runDir !== null || scene.between !== undefined)) {
      const resumed = await resume(place, scene);
      refused ||= resumed.refused;
      failures.push(...resumed.failures, ...(await checkProcesses(place.root)));
    }
    // After a kill the next run clears up; where there was none to resume, this is the next one.
    if (end.signal !== null && (scene.resume !== 'completes' || place.runDir === null)) {
      await place.start(scene.run, []).ended;
      failures.push(...(await checkProcesses(place.root)));
    }
    failures.push(...checkFiles(place));
    const { right, silent, reasons } = judged;
    return { right, silent, reasons, refused, missed, failures };
  } finally {
    await scene.after?.(place);
  }
}
