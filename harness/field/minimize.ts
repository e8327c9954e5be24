/** Finds the fewest settings away from their defaults that still show a failure. Pure over an injected question. */
import { axes, axisNames, defaultSettings, formatValue } from '../axes/table.ts';
import { idPiece } from '../matrix/cell-id.ts';
import type { AxisName, Settings } from '../axes/table.ts';

/** One thing that differs from its default: an axis, or one variable of the environment. */
export type Deviation = Readonly<{ axis: AxisName; variable: string | null; text: string }>;

export function listDeviations(settings: Settings): readonly Deviation[] {
  return axisNames.flatMap((axis): Deviation[] => {
    if (axis === 'env') {
      return Object.entries(settings.env).map(([variable, value]) => ({
        axis,
        variable,
        text: idPiece(axes.env, { [variable]: value }),
      }));
    }
    const text = formatValue(axes, axis, settings[axis]);
    return text === formatValue(axes, axis, axes[axis].default)
      ? []
      : [{ axis, variable: null, text: `${axis}=${text}` }];
  });
}

/** The defaults with only these deviations of `settings`. */
export function keepOnly(settings: Settings, kept: readonly Deviation[]): Settings {
  const env = Object.fromEntries(
    kept.flatMap(({ variable }) =>
      variable === null ? [] : [[variable, settings.env[variable] ?? ''] as const],
    ),
  );
  const values = Object.fromEntries(
    kept.flatMap(({ axis, variable }) => (variable === null ? [[axis, settings[axis]] as const] : [])),
  );
  return { ...defaultSettings(), ...values, env };
}

export type Minimized = Readonly<{
  kept: readonly Deviation[];
  /** For each kept one, a guest showed that the failure is gone without it. */
  needless: readonly Deviation[];
  questions: number;
}>;

export type MinimizeOptions = Readonly<{
  /** Does a guest with these settings show the failure? */
  shows: (settings: Settings) => Promise<boolean>;
  /** The model's answer, free of charge: smallest sets it believes in are tried first. */
  model: (settings: Settings) => boolean;
}>;

/** More deviations than this are not tried in all sets, only one by one. */
const maxExhaustive = 12;

/**
 * Minimal in this sense: no kept setting can be removed alone, as guests showed. Null when the failure does not show
 * even with every deviation.
 */
export async function minimize(
  settings: Settings,
  { shows, model }: MinimizeOptions,
): Promise<Minimized | null> {
  const all = listDeviations(settings);
  let questions = 0;
  const asked = new Map<string, boolean>();
  const fails = async (kept: readonly Deviation[]): Promise<boolean> => {
    const key = kept.map(({ text }) => text).join();
    const known = asked.get(key);
    if (known !== undefined) return known;
    questions += 1;
    const shown = await shows(keepOnly(settings, kept));
    asked.set(key, shown);
    return shown;
  };
  if (!(await fails(all))) return null;
  let kept = all;
  if (all.length <= maxExhaustive) {
    // Two sizes are tried in guests; where the model is wrong about both, going one by one is surer.
    for (const set of smallestSets(all, (some) => model(keepOnly(settings, some))).slice(0, 2)) {
      if (!(await fails(set))) continue;
      kept = set;
      break;
    }
  }
  for (let again = true; again;) {
    again = false;
    for (const one of kept) {
      const rest = kept.filter((other) => other !== one);
      if (!(await fails(rest))) continue;
      kept = rest;
      again = true;
      break;
    }
  }
  return { kept, needless: all.filter((one) => !kept.includes(one)), questions };
}

/** Sets that show the failure by the model, smallest first. */
function smallestSets(
  all: readonly Deviation[],
  model: (some: readonly Deviation[]) => boolean,
): readonly (readonly Deviation[])[] {
  const sets = Array.from({ length: 2 ** all.length }, (_, bits) =>
    all.filter((_one, place) => (bits >> place) & 1),
  );
  return sets.sort((a, b) => a.length - b.length).filter(model);
}
