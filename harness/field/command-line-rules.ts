/** Rules for the command line of a report: variables and limits that it sets, options after the program. */
import type { Settings } from '../axes/table.ts';
import { axes } from '../axes/table.ts';
import { formatSize } from '../axes/size.ts';
import { axisOf, say, type FactMapping, type Rule } from './mapping.ts';
import { hostSubject } from '../axes/host.ts';
import { programOf } from './runtime.ts';

/** Variables of Spin and wash that the command sets: `env SPIN_WASMTIME_TOTAL_STACKS=0 spin up`. */
const poolVariable =
  /^(SPIN_(?:WASMTIME_[A-Z_]{1,60}|MAX_INSTANCE_COUNT)|WASMTIME_POOLING_[A-Z_]{1,60})=(\+?\d{1,20})$/;

export const mapVariables: Rule = ({ command }, so) => {
  const words = command?.words ?? [];
  const pairs = words.flatMap((word) => {
    const [, name, value] = poolVariable.exec(word) ?? [];
    return name === undefined || value === undefined ? [] : [[name, value] as const];
  });
  const forced = words
    .map((word) => /^SPIN_ALLOCATOR=([a-z-]+)$/.exec(word)?.[1])
    .find((word) => word !== undefined);
  const choice = axes.allocator.schema.safeParse(forced === 'pooling' ? 'standard' : forced);
  const set: Partial<Settings> = {
    ...(pairs.length > 0 && { env: { ...so.env, ...Object.fromEntries(pairs) } }),
    ...(choice.success && { allocator: choice.data }),
  };
  return {
    set,
    say: [
      ...pairs.map(([name, value]) =>
        say('command.words', `${name}=${value}`, 'exact', {
          axis: 'env',
          value: `env.${name}=${value}`,
          decides: true,
        }),
      ),
      ...(choice.success
        ? [
            say('command.words', `SPIN_ALLOCATOR=${choice.data}`, 'exact', {
              ...axisOf('allocator', { ...so, ...set }),
              decides: true,
            }),
          ]
        : []),
    ],
  };
};

/** Limits that the command itself sets, which no fact of the machine shows. */
const ownLimits: readonly Readonly<{ axis: 'addressSpace' | 'dataLimit'; words: RegExp; unit: number }>[] = [
  { axis: 'addressSpace', words: /\bulimit (?:-\w+ (?:\w+ )?)*?-[SH]*v (\d{1,15})\b/, unit: 1024 },
  { axis: 'addressSpace', words: /(?:\bprlimit .*--as|\bLimitAS)[= ](\d{1,18})\b/, unit: 1 },
  { axis: 'dataLimit', words: /\bulimit (?:-\w+ (?:\w+ )?)*?-[SH]*d (\d{1,15})\b/, unit: 1024 },
  { axis: 'dataLimit', words: /(?:\bprlimit .*--data|\bLimitDATA)[= ](\d{1,18})\b/, unit: 1 },
];

export const mapOwnLimits: Rule = ({ command }, so) => {
  const text = (command?.words ?? []).join(' ');
  return ownLimits.reduce<{ set: Partial<Settings>; say: readonly FactMapping[] }>(
    (all, { axis, words, unit }) => {
      const [told, count] = words.exec(text) ?? [];
      if (told === undefined || count === undefined) return all;
      const kib = Math.floor((Number(count) * unit) / 1024);
      const found = axes[axis].schema.safeParse(`${kib}K`);
      // It can only be lowered.
      if (!found.success || found.data === null || found.data >= (so[axis] ?? Infinity)) return all;
      const set = { ...all.set, [axis]: found.data };
      const met = { ...axisOf(axis, { ...so, ...set }), decides: true };
      return { set, say: [...all.say, say('command.words', told, 'exact', met)] };
    },
    { set: {}, say: [] },
  );
};

type PoolAxis = 'memories' | 'tables' | 'tableElements' | 'stacks' | 'maxMemory' | 'reservation' | 'guard';

/** Options of Wasmtime's command line (`-O name=value`, older ones `--name value`) by the axis that meets them. */
const wasmtimeOptions: Readonly<Record<string, PoolAxis>> = {
  'pooling-total-memories': 'memories',
  'pooling-total-tables': 'tables',
  'pooling-table-elements': 'tableElements',
  'pooling-total-stacks': 'stacks',
  'pooling-max-memory-size': 'maxMemory',
  'memory-reservation': 'reservation',
  'static-memory-maximum-size': 'reservation',
  'memory-guard-size': 'guard',
  'static-memory-guard-size': 'guard',
};

const sizes: readonly PoolAxis[] = ['maxMemory', 'reservation', 'guard'];

/** `name=value` pairs of a command line, however they are put: `-O a=1,b=2`, `-Oa=1`, `--a=1`, `--a 1`. */
function listOptions(words: readonly string[]): readonly (readonly [name: string, value: string])[] {
  const text = words.join(' ');
  return [
    ...text.matchAll(/(?:^|[ ,]|-O|--)([a-z][a-z-]{3,40})[= ](\d{1,16}|y|n|yes|no|true|false)(?=$|[ ,])/g),
  ].map(([, name = '', value = '']) => [name, value] as const);
}

const isOn = (value: string): boolean => /^(?:y|yes|true|1)$/.test(value);

/** An option as a value of its axis; null where the axis has no such value. */
function valueOf(axis: PoolAxis, text: string): number | null {
  const { schema } = axes[axis];
  const input = sizes.includes(axis)
    ? text === '0'
      ? '0K'
      : text.length > 0 && Number(text) % 1024 === 0
        ? formatSize(Number(text))
        : text
    : Number(text);
  const found = schema.safeParse(input);
  return found.success ? found.data : null;
}

/** Wasmtime pools only where it is told to, or serves. */
function mapPooling(words: readonly string[], options: ReturnType<typeof listOptions>, so: Settings) {
  const told = options.findLast(([name]) => name === 'pooling-allocator')?.[1];
  if (told === undefined && words.includes('serve')) return { set: {}, say: [] };
  const allocator = told !== undefined && isOn(told) ? ('standard' as const) : ('on-demand' as const);
  const found = told === undefined ? 'no pooling-allocator' : `pooling-allocator=${told}`;
  const value = axisOf('allocator', { ...so, allocator });
  return { set: { allocator }, say: [say('command.words', found, 'exact', { ...value, decides: true })] };
}

export const mapOptions: Rule = (report, so) => {
  const program = programOf(report);
  const words = report.command?.words ?? [];
  const flag = '--disable-wasm-trap-handler';
  // Also within NODE_OPTIONS, or in the words of a shell.
  if (program === 'node' && words.some((word) => word.includes(flag))) {
    const isHost = so.subject === hostSubject;
    const set: Partial<Settings> = isHost
      ? { allocator: 'on-demand' }
      : { env: { ...so.env, NODE_OPTIONS: flag } };
    const value = isHost
      ? axisOf('allocator', { ...so, ...set })
      : ({ axis: 'env', value: `env.NODE_OPTIONS=${flag}` } as const);
    return { set, say: [say('command.words', flag, 'exact', { ...value, decides: true })] };
  }
  if (program !== 'wasmtime') return { say: [] };
  const options = listOptions(words);
  const pooling = mapPooling(words, options, so);
  return options.reduce<{ set: Partial<Settings>; say: readonly FactMapping[] }>((all, [name, text]) => {
    const axis = wasmtimeOptions[name];
    if (axis === undefined) return all;
    const value = valueOf(axis, text);
    if (value === null) {
      const why = `no value of \`${axis}\`: ${axes[axis].expects}`;
      return {
        ...all,
        say: [
          ...all.say,
          say('command.words', `${name}=${text}`, 'not reproducible', { why, decides: true }),
        ],
      };
    }
    const set = { ...all.set, [axis]: value };
    const met = { ...axisOf(axis, { ...so, ...set }), decides: true };
    return { set, say: [...all.say, say('command.words', `${name}=${text}`, 'exact', met)] };
  }, pooling);
};
