/** The address space of a cell, drawn: a bar per mapping on one logarithmic scale, with the limits as lines. */
import { GiB, MiB, TiB, formatBytes } from '../../../images/allocator/sizes.ts';
import type { Result } from '../../store/result.ts';
import { type SpaceBar, listSpace, listSpaceLimits } from '../address-space.ts';
import { type Html, html, keepMarkup, markup } from './html.ts';

/** The ends of the scale: less is nothing beside a pool, and no process has more. */
const [least, most] = [MiB, 256 * TiB];

/** The place of a size on the scale, 0–100. */
const placeOf = (bytes: number): number =>
  Math.round(Math.min(1, Math.max(0, Math.log(bytes / least) / Math.log(most / least))) * 1000) / 10;

/** Pieces; none where neither the model nor the guest names a mapping. */
export function renderSpace(result: Result): readonly Html[] {
  const groups = listSpace(result);
  if (groups.length === 0) return [];
  const limits = listSpaceLimits(result);
  const dashed = limits.map(({ name, bytes }) => `${name} ${formatBytes(bytes)}`).join(', ');
  return [
    markup('<h3>Its address space</h3>'),
    html`<p class="note">
      Bars are logarithmic, from 1 MiB to 256 TiB, with rules at 1 GiB and 1 TiB; a mapping that does not fit
      has a line at what is left.${dashed === '' ? null : ` Dashed: ${dashed}.`}
    </p>`,
    ...groups.flatMap(({ title, refused, bars }) => [
      markup('<ul class="effects">'),
      html`<li><b>${title}</b></li>`,
      ...bars.map((bar) => renderBar(bar, limits)),
      ...(refused === null ? [] : [html`<li><p>✗ ${refused}</p></li>`]),
      markup('</ul>'),
    ]),
  ];
}

const keepBar = keepMarkup();

function renderBar({ name, bytes, left }: SpaceBar, limits: readonly SpaceBar[]): Html {
  const key = `${[bytes, left, ...limits.map((limit) => limit.bytes)].join()}|${name}`;
  return keepBar(
    key,
    () =>
      html`<li>
        <span>${name}</span>
        <span class="of">${left === null ? '' : '✗ '}${formatBytes(bytes)}</span>
        <svg class="share" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
          <rect class="whole" width="100" height="10" />
          <rect class="${left === null ? 'least' : 'lacks'}" width="${placeOf(bytes)}" height="10" />
          <path class="rule" d="M${placeOf(GiB)} 0v10M${placeOf(TiB)} 0v10" />
          ${limits.map((limit) => html`<path class="outer" d="M${placeOf(limit.bytes)} 0v10" />`)}
          ${left === null ? null : html`<path class="limit" d="M${placeOf(left)} 0v10" />`}
        </svg>
      </li>`,
  );
}
