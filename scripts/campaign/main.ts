/**
 * Faults, drawn from a table, over small real runs: `node dist/scripts/campaign/main.js --faults 1000 --seed 1`. What
 * is done to what, and what must come of it, is in the rows; README.md explains both.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { resolveCacheFolder } from '../../images/cache/cache-folder.ts';
import { findQemu, readComputer } from '../../harness/plan/computer.ts';
import { guestRows, runCampaign } from './campaign.ts';
import { fakeRows } from './fake-rows.ts';
import { fleetRows } from './fleet-rows.ts';
import { renderPage, summarize } from './page.ts';
import { type Outcome, selectRows } from './table.ts';

const help = `node dist/scripts/campaign/main.js [options]

  --faults N      faults in all (default 100)
  --real R        of them over real guests (default: 30 of 100)
  --fleet F       on fleets of processes with a Redis, beside them (default 0)
  --seed S        draws the same faults again (default: the time)
  --jobs N        faults over real guests at a time, and on fleets (default 1)
  --only WORDS    rows by name, target or way, with commas
  --quick         without rows that take long
  --fault ID      just this one, e.g. real-17; again for more
  --output FILE   also a page
  --json FILE     also the outcomes
  --list          the rows
`;

const { values } = parseArgs({
  options: {
    faults: { type: 'string', default: '100' },
    real: { type: 'string' },
    fleet: { type: 'string', default: '0' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    jobs: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    quick: { type: 'boolean', default: false },
    fault: { type: 'string', multiple: true },
    output: { type: 'string' },
    json: { type: 'string' },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const selection = { only: values.only, quick: values.quick };

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** @throws Error when it is not a whole number */
function count(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name} ${text}: a whole number is needed`);
  return Number(text);
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, index) => index);

/** The numbers of the faults, by their place. */
function chooseNumbers(): Readonly<Record<'real' | 'fake' | 'fleet', readonly number[]>> {
  if (values.fault === undefined) {
    const faults = count('faults', values.faults);
    const hasFakes = selectRows(fakeRows, selection).length > 0;
    const hasReal = selectRows(guestRows, selection).length > 0;
    const fleet = upTo(count('fleet', values.fleet));
    if (!hasFakes && !hasReal && fleet.length > 0) return { real: [], fake: [], fleet };
    if (!hasFakes && !hasReal) throw new Error(`--only ${values.only}: there is no such row (--list)`);
    const share = !hasReal ? 0 : hasFakes ? Math.ceil(faults * 0.3) : faults;
    const real = values.real === undefined ? share : Math.min(faults, count('real', values.real));
    return { real: upTo(real), fake: upTo(faults - real), fleet };
  }
  const of = (place: string): number[] =>
    (values.fault ?? [])
      .filter((id) => id.startsWith(`${place}-`))
      .map((id) => count('fault', id.slice(place.length + 1)));
  return { real: of('real'), fake: of('fake'), fleet: of('fleet') };
}

function tell(outcome: Outcome): void {
  const { id, row, drawn, right, silent, reasons, refused, missed, skipped, failures, seconds } = outcome;
  const words = [
    `${right} right`,
    ...(silent > 0 ? [`${silent} without a verdict`] : []),
    ...(refused ? ['refused'] : []),
    ...(missed ? ['too late'] : []),
  ];
  const end = skipped !== null ? `skipped: ${skipped}` : failures.length > 0 ? 'FAILED' : words.join(', ');
  // Fakes are many: only those that failed are told one by one.
  if (!id.startsWith('fake-') || failures.length > 0)
    say(`${id} ${row}: ${drawn}\n  ${end} (${seconds.toFixed(1)} s)`);
  for (const failure of failures) say(`  ${failure}`);
  if (id.startsWith('real-')) for (const reason of reasons) say(`  no verdict: ${reason}`);
}

async function main(): Promise<number> {
  if (values.help || values.list) {
    say(
      values.help
        ? help
        : [...guestRows, ...fakeRows, ...fleetRows]
            .map((row) => `${row.name}  (${row.way}, ${row.target}) ${row.does}`)
            .join('\n'),
    );
    return 0;
  }
  const seed = count('seed', values.seed);
  const numbers = chooseNumbers();
  const outcomes: Outcome[] = [];
  const startedAt = performance.now();
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort());
  say(
    `seed ${seed}: ${numbers.real.length} faults over real guests, ${numbers.fake.length} over fake machines, ${numbers.fleet.length} on fleets`,
  );
  await runCampaign({
    seed,
    ...numbers,
    selection,
    cacheDir: resolveCacheFolder(),
    jobs: Math.max(1, count('jobs', values.jobs)),
    onOutcome: (outcome) => {
      outcomes.push(outcome);
      tell(outcome);
    },
    signal: controller.signal,
    say,
  });
  const minutes = Math.max(1, Math.round((performance.now() - startedAt) / 60_000));
  say(summarize(outcomes));
  const { real, fake, fleet } = numbers;
  const lost = real.length + fake.length + fleet.length - outcomes.length;
  if (lost > 0) say(`${lost} faults have no outcome`);
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ seed, outcomes }, null, 1)}\n`);
  if (values.output !== undefined) {
    const [qemu, computer] = await Promise.all([findQemu(), readComputer()]);
    const machine = [
      `${computer.cores} cores, ${computer.cpuModel}`,
      `Linux ${computer.kernel}, ${computer.os}`,
      `QEMU ${qemu.version}, Node ${process.version}`,
    ];
    const command = `node dist/scripts/campaign/main.js --faults ${values.faults} --real ${real.length} --fleet ${fleet.length} --seed ${seed}${values.quick ? ' --quick' : ''}${values.only === '' ? '' : ` --only ${values.only}`}`;
    const about = { seed, command, machine, minutes, date: new Date().toISOString().slice(0, 10) };
    const rows = {
      real: selectRows(guestRows, selection),
      fake: selectRows(fakeRows, selection),
      fleet: selectRows(fleetRows, selection),
    };
    writeFileSync(values.output, renderPage(about, rows, outcomes));
  }
  return lost === 0 && outcomes.every(({ failures }) => failures.length === 0) ? 0 : 1;
}

process.exitCode = await main();
