/** Plays one scene with a fleet, and checks that every cell has ended once, with the right outcome. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Lab, failureOf, finish, matrixOf, type Member } from '../../harness/fixtures/fleet-lab.ts';
import type { Result } from '../../harness/store/result.ts';
import type { FleetScene } from './fleet-rows.ts';
import type { Outcome } from './table.ts';

/** No end for so long is a hang, ms. */
const capMs = 120_000;

function check(results: readonly Result[], { cells, broken }: FleetScene): string[] {
  const failures: string[] = [];
  const ids = new Set(results.map(({ id }) => id));
  if (ids.size !== cells) failures.push(`${ids.size} of ${cells} cells have a line`);
  if (results.length !== ids.size) failures.push(`${results.length - ids.size} cells have two lines`);
  const isRight = ({ outcome, tier }: Result): boolean => outcome === 'reached' && tier === 'conservative';
  const others = results.filter((result) => !isRight(result));
  const wrong = others.filter(
    ({ outcome, reason }) => outcome !== 'broken' || broken?.says.test(reason) !== true,
  );
  for (const { id, outcome, reason } of wrong) failures.push(`wrong: ${id}: ${outcome}: ${reason}`);
  if (others.length !== (broken?.cells ?? 0)) failures.push(`${others.length} cells without a verdict`);
  const unnamed = results.filter(({ outcome, machine }) => outcome === 'reached' && machine === undefined);
  if (unnamed.length > 0) failures.push(`${unnamed.length} results do not say which machine made them`);
  return failures;
}

/** Waits for the end of a run, and resumes it where the fault has ended it. */
async function conclude(
  lab: Lab,
  coordinator: Member,
  { ends, cells, task }: FleetScene,
): Promise<Readonly<{ member: Member; failures: readonly string[]; refused: boolean }>> {
  await coordinator.ended;
  const failure = failureOf(coordinator);
  const isKilled = coordinator.child.signalCode === 'SIGKILL';
  if (failure === null && !isKilled) return { member: coordinator, failures: [], refused: false };
  const isAllowed = ends === 'killed' ? isKilled : failure !== null && ends?.test(failure) === true;
  if (!isAllowed)
    return { member: coordinator, failures: [`it ended: ${failure ?? 'killed'}`], refused: false };
  const opened = coordinator.lines.find((line) => line.kind === 'opened');
  const resume = opened?.kind === 'opened' ? opened.dir : '';
  const member = await lab.coordinator('main', matrixOf(cells), { ...task, resume });
  await member.ended;
  const again = failureOf(member);
  return { member, failures: again === null ? [] : [`not resumed: ${again}`], refused: failure !== null };
}

async function play(
  scene: FleetScene,
  lab: Lab,
): Promise<Pick<Outcome, 'failures' | 'right' | 'silent' | 'refused'>> {
  const { cells, task = {}, workers: tasks = [{}, {}], strike, says } = scene;
  const coordinator = await lab.coordinator('main', matrixOf(cells), task);
  const workers: Member[] = [];
  for (const [index, more] of tasks.entries())
    workers.push(await lab.worker(`worker-${index + 1}`, { ...task, ...more }));
  await strike({ lab, coordinator, workers });
  const { member, failures, refused } = await conclude(lab, coordinator, scene);
  if (failures.length > 0) return { failures, right: 0, silent: 0, refused };
  const { results } = await finish(member);
  const silent = results.filter(({ outcome }) => outcome === 'broken').length;
  const missing = says !== undefined && !member.notices().some((text) => says.test(text));
  const found = [...check(results, scene), ...(missing ? [`no notice ${String(says)}`] : [])];
  return { failures: found, right: results.length - silent, silent, refused };
}

export async function playFleet(
  scene: FleetScene,
): Promise<Pick<Outcome, 'failures' | 'right' | 'silent' | 'refused'>> {
  const folder = mkdtempSync(path.join(tmpdir(), 'poolproof-fleet-'));
  const lab = await Lab.open(folder, scene.redis);
  let timer: NodeJS.Timeout | undefined;
  const hung = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${capMs / 1000} s: ${lab.describe()}`)), capMs);
  });
  try {
    return await Promise.race([play(scene, lab), hung]);
  } catch (error) {
    return { failures: [String(error)], right: 0, silent: 0, refused: false };
  } finally {
    clearTimeout(timer);
    await lab[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  }
}
