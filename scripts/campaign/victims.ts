/** Who is struck, and when. */
import { between, pick, type Random } from './draw.ts';
import { send, type Harness, type Moment } from './harness.ts';

/** Some time of a run of three seconds. */
export function drawMoment(random: Random): Moment {
  const after = pick(random, ['start', 'cells', 'guest', 'guest', 'first'] as const);
  return { after, ms: between(random, 0, after === 'start' ? 600 : after === 'first' ? 500 : 1500) };
}

export const tell = ({ after, ms }: Moment): string => `${ms} ms after ${after}`;

/** Who hears a signal. */
export const victims = {
  'each QEMU': (harness: Harness, name: NodeJS.Signals) => {
    for (const pid of harness.guests()) send(pid, name);
  },
  'one QEMU': (harness: Harness, name: NodeJS.Signals) => {
    const [pid] = harness.guests();
    if (pid !== undefined) send(pid, name);
  },
  'the harness': (harness: Harness, name: NodeJS.Signals) => harness.signal(name),
  'the group': (harness: Harness, name: NodeJS.Signals) => harness.signalGroup(name),
} as const;
export type Victim = keyof typeof victims;
