/** A change that could restore a tier or let a subject succeed, and whether the model accepts it. */
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
  /** The same change for what starts the program: systemd, Docker, a manager of virtual machines. */
  also?: string;
  /** What is lost or given. */
  cost: string;
  settings: Settings;
}>;

/** The most by which a guest differs from the model: a candidate must have that much to spare. */
const slackBytes = 32 * 2 ** 20;

/** Whether the model says that the tier is reached, or that the subject does its act, with something to spare. */
export const isBelieved = (settings: Settings, wanted: Tier, slack = slackBytes): boolean =>
  predictSubject(settings, slack) ?? reaches(predictSettings(settings, slack), wanted);

/** Whether the model does not know what the cell runs: then only guests can decide. */
export const isUnknown = (settings: Settings): boolean =>
  settings.subject !== hostSubject && predictSubject(settings) === null && predictSettings(settings) === null;
