/** A change that could bring back a tier, or let a subject do what failed; and whether the model believes in it. */
import type { Tier } from '../../images/allocator/tier.ts';
import { hostSubject } from '../axes/host.ts';
import type { Settings } from '../axes/table.ts';
import { predictSettings, reaches } from './model.ts';
import { predictSubject } from './subject-model.ts';

export type Candidate = Readonly<{
  /** Who has to change something. */
  kind: 'variable' | 'pool' | 'limit' | 'sysctl' | 'version' | 'memory' | 'processor';
  /** What to do, ready to paste where it can be. */
  change: string;
  /** The same in the words of what starts the program: systemd, Docker, a manager of virtual machines. */
  also?: string;
  /** What is lost or given. */
  cost: string;
  settings: Settings;
}>;

/** What a guest may differ from the model: a candidate must have that much to spare. */
const slackBytes = 32 * 2 ** 20;

/** Whether the model says that the tier is reached, or that the subject does its act, with something to spare. */
export const isBelieved = (settings: Settings, wanted: Tier, slack = slackBytes): boolean =>
  predictSubject(settings, slack) ?? reaches(predictSettings(settings, slack), wanted);

/** Whether the model knows nothing of what the cell runs: then only guests can say. */
export const isUnknown = (settings: Settings): boolean =>
  settings.subject !== hostSubject && predictSubject(settings) === null && predictSettings(settings) === null;
