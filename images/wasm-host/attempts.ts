/** Files that the launcher and earlier workers left in the state folder → attempts. Read by the last worker. */
import { join } from 'node:path';
import { constants } from 'node:os';
import { classifyWorkerEnd } from '../allocator/failure.ts';
import type { Attempt, AttemptFailure } from '../allocator/host-report.ts';
import type { TierPrediction } from '../allocator/prediction.ts';
import { tiers, type Tier } from '../allocator/tier.ts';
import { readText } from './proc.ts';

/** File of an attempt in the state folder; `end` is the launcher's, the others the worker's. */
export function attemptFile(
  state: string,
  attempt: number,
  name: 'started' | 'proven' | 'predicted' | 'failure' | 'stderr' | 'end',
): string {
  return join(state, `${attempt}.${name}`);
}

/** Failed attempts before `before`, in order. */
export function readAttempts(state: string, before: number): readonly Attempt[] {
  const attempts: Attempt[] = [];
  for (let attempt = 1; attempt < before; attempt += 1) {
    // `<tier> <status, as the shell reports it> <1 when the deadline had passed> <milliseconds>`
    const [name, status, timedOut, durationMs] = (readText(attemptFile(state, attempt, 'end')) ?? '').split(
      ' ',
    );
    const tier = tiers.find((candidate) => candidate === name);
    if (tier === undefined) continue;
    attempts.push({
      tier,
      ok: false,
      failure:
        (readJson(attemptFile(state, attempt, 'failure')) as AttemptFailure | null) ??
        classifyWorkerEnd({
          tier,
          ...splitStatus(Number(status)),
          timedOut: timedOut === '1',
          stderr: readText(attemptFile(state, attempt, 'stderr')) ?? '',
        }),
      predicted: readJson(attemptFile(state, attempt, 'predicted')) as TierPrediction | null,
      durationMs: Number(durationMs),
    });
  }
  return attempts;
}

/** A failure that a living worker reports about itself. */
export function describeFailure(
  tier: Tier,
  found: Pick<AttemptFailure, 'class' | 'pool' | 'bytes' | 'errno'>,
  text: string,
): AttemptFailure {
  const line = text.trim().replace(/\s*\n\s*(?:Caused by:\s*)?(?:\d+: )?/g, ': ');
  return { ...found, message: `${tier}: ${line}`, exitCode: null, signal: null, stderr: '' };
}

/** A shell reports signal N as 128 + N. */
function splitStatus(status: number): { exitCode: number | null; signal: string | null } {
  const name = Object.entries(constants.signals).find(([, number]) => number === status - 128)?.[0];
  return name === undefined ? { exitCode: status, signal: null } : { exitCode: null, signal: name };
}

/** Written by a worker of this same program, so trusted to have the type; null when absent or cut off. */
function readJson(path: string): unknown {
  const text = readText(path);
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null; // a worker that died while writing: its end says more
  }
}
