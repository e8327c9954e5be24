/** One figure per tier, as dots with their intervals on one scale, with the published claim as a band behind them. */
import type { HeadlineCost } from '../headline-costs.ts';
import { claimed } from '../published-estimate.ts';
import { type Html, html } from './html.ts';
import { formatCost, formatExactly } from './interval-chart.ts';

/** `▇ +45 % programs` */
export const formatHeadline = ({ sign, ratio, of, sameCode }: HeadlineCost): string =>
  sameCode
    ? `${sign} 0 %, same code`
    : `${sign} ${formatCost(ratio)} ${of === 'a request' ? of : 'programs'}`;

/** A chart per clock: time and instructions are two quantities. Proven figures need none. */
export function renderHeadlines(costs: readonly HeadlineCost[]): Html {
  const measured = costs.filter(({ sameCode }) => !sameCode);
  const proven = costs.filter(({ sameCode }) => sameCode).map(({ name }) => name);
  return html`${(['time', 'instructions'] as const).map((clock) =>
    renderClock(
      measured.filter((cost) => cost.clock === clock),
      clock,
    ),
  )}${
    proven.length === 0
      ? null
      : html`<p>
          0 %, since they run byte for byte the machine code of their baseline: ${proven.join('; ')}.
        </p>`
  }`;
}

function renderClock(costs: readonly HeadlineCost[], clock: string): Html | null {
  if (costs.length === 0) return null;
  const ends = [1, ...claimed, ...costs.flatMap(({ low, high }) => [low, high])];
  const [from, to] = [Math.min(...ends), Math.max(...ends)];
  const x = (ratio: number): number => Math.round(((ratio - from) / (to - from)) * 960 + 20) / 10;
  return html`<p>
      In ${clock}, against the pool of the same host. A dot is a geometric mean, its line reaches to the
      outermost ends of the measured intervals, and the band is the published claim of 10 to 20 %. Each scale
      goes from ${formatCost(from)} to
      ${formatCost(to)}.${
        costs.some(({ name }) => /\/(?:elided|explicit)\b/.test(name))
          ? ' Behind a tier, elided: guard pages stand for its bounds checks; explicit: each access is checked.'
          : null
      }
    </p>
    <ul class="effects">
      ${costs.map((cost) => renderCost(cost, x))}
    </ul>`;
}

function renderCost(cost: HeadlineCost, x: (ratio: number) => number): Html {
  const { name, of, cpuModel, measurements, ratio, low, high } = cost;
  const [start, end] = claimed;
  return html`<li>
    <span><b>${name}</b>: ${of}${cpuModel === null ? '' : `, on ${cpuModel}`}</span>
    <span class="of">${formatExactly(ratio)}</span>
    <svg class="share cost" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
      <rect class="band" x="${x(start)}" width="${Math.round((x(end) - x(start)) * 10) / 10}" height="10" />
      <path class="zero" d="M${x(1)} 0v10" />
      <path class="interval" d="M${x(low)} 5H${x(high)}" />
      <path class="dot" d="M${x(ratio)} 5h0" />
    </svg>
    <p>
      ${formatExactly(low)} to
      ${formatExactly(high)}${measurements === 1 ? '' : `, ${measurements} measurements`}
    </p>
  </li>`;
}
