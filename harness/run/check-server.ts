/** Whether a server that was measured is the one that was meant: its tier, and that of the baseline. Pure. */
import type { SubjectRun } from '../guest/observation.ts';
import type { Subject } from '../matrix/subject.ts';
import { serveComponent, type ServerStep } from '../measure/counted-server.ts';
import { classifyForeign } from '../outcome/classify-foreign.ts';
import { reportOf } from '../outcome/read-report.ts';
import { formatConfiguration } from '../measure/configurations.ts';
import type { Result } from '../store/result.ts';

/**
 * What is wrong with a server, as a sentence; null where it came up, in the tier of the cell or, as the baseline, in
 * `standard`.
 */
export function checkServer(
  cell: Pick<Result, 'tier' | 'form'>,
  subject: Subject | null,
  { limits, load }: ServerStep,
  run: SubjectRun,
): string | null {
  const who = limits === 'cell' ? 'the server' : 'the server of the baseline';
  if (run.timedOut) return `${who} did not serve all its requests in time`;
  if (run.helperLost) return `${who} was lost with a process of the session`;
  if (subject !== null) {
    const served = serveComponent(subject, '', load.works[0]?.path ?? '/');
    const { outcome, tier, reason } = classifyForeign(run, run.oomKills > 0, served);
    if (outcome !== 'reached') return `${who} ended otherwise: ${reason}`;
    const wanted = limits === 'cell' || cell.tier === null ? cell.tier : 'standard';
    return tier === wanted ? null : `${who} has the tier ${tier ?? 'of none'} instead of ${wanted ?? 'none'}`;
  }
  const { report } = reportOf(run);
  if (report?.tier == null || report.proof === null) return `${who} proved no tier`;
  // Of a cell whose form nobody knows the tier has to do.
  const [tier, checks = null] =
    limits === 'cell' && cell.tier !== null
      ? [cell.tier, cell.form?.checks]
      : (['standard', 'elided'] as const);
  const { proof } = report;
  if (report.tier === tier && (checks === null || checks === proof.checks)) return null;
  const found = formatConfiguration({ tier: report.tier, checks: proof.checks });
  return `${who} has the tier ${found} instead of ${checks === null ? tier : formatConfiguration({ tier, checks })}`;
}
