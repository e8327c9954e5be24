/** Formats figures of overhead: `+28.2 %`, `+28.2 % [+28.1, +28.4]`. */
import type { Clock, Interval, OverheadSummary, TierResources } from '../measure/figures.ts';

/** Name of each clock in headings. */
export const clockTitles: Readonly<Record<Clock, string>> = {
  time: 'time',
  instructions: 'instructions executed',
};

/** `+28.2 %`, `-6.0 %`, `0.0 %`. */
export function formatPercent(ratio: number): string {
  return `${formatSigned(ratio)} %`;
}

function formatSigned(ratio: number): string {
  const text = ((ratio - 1) * 100).toFixed(1);
  if (Number(text) === 0) return '0.0';
  return Number(text) > 0 ? `+${text}` : text;
}

/** `+28.2 %`; exactly `0 %` where it is proven. */
export function formatOverhead({ ratio, sameCode }: Pick<OverheadSummary, 'ratio' | 'sameCode'>): string {
  return sameCode ? '0 %' : formatPercent(ratio);
}

/** `+28.2 % [+28.1, +28.4]`, `0 % (same code)`. */
export function formatFigure(figure: Pick<OverheadSummary, 'ratio' | 'low' | 'high' | 'sameCode'>): string {
  if (figure.sameCode) return '0 % (same code)';
  return `${formatPercent(figure.ratio)} [${formatSigned(figure.low)}, ${formatSigned(figure.high)}]`;
}

/** `310 ms`, `257 M instructions`. */
export function formatStart(start: TierResources['startToFirstCall']): string {
  return start.clock === 'time'
    ? `${Math.round(start.ms)} ms`
    : `${(start.count / 1e6).toFixed(0)} M instructions`;
}

/** Formats a bound as in a rule: `<= 20 %`. */
export const formatBound = (bound: number): string => `<= ${Number((bound * 100).toFixed(6))} %`;

/** `× 1.91`: for what can be a multiple, where a percentage misleads. */
export const formatFactor = (ratio: number): string => `× ${ratio.toFixed(2)}`;

/** `× 1.91 [1.85, 1.97]`. */
export const formatFactorInterval = ({ ratio, low, high }: Interval): string =>
  `${formatFactor(ratio)} [${low.toFixed(2)}, ${high.toFixed(2)}]`;
