/** Styles of the sections that show what decides, why, what it costs and what has changed: bars, cards, strips. */
export const dataStyles = `
.effects,.cards,.changes{list-style:none;padding:0;margin:.6rem 0}
.effects{display:grid;gap:.7rem;max-width:46rem}
.effects li{display:grid;grid-template-columns:1fr max-content;gap:.1rem 1rem;break-inside:avoid}
.effects .of{font-variant-numeric:tabular-nums}.effects .share,.effects p{grid-column:1/-1;margin:0}.effects p{color:var(--mute);font-size:var(--t2)}
.share{display:block;width:100%;height:10px}
.share .whole{fill:var(--soft);stroke:var(--line);stroke-width:1;vector-effect:non-scaling-stroke}
.share .least{fill:var(--s1)}.share .most{fill:var(--s2)}
.share .lacks{fill:var(--sf)}.share path{fill:none;stroke:var(--line);vector-effect:non-scaling-stroke}
.share .outer{stroke:currentColor;stroke-dasharray:2 2;stroke-width:2}.share .limit{stroke:currentColor;stroke-width:3}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(24rem,100%),1fr));gap:.8rem;align-items:start}
.cards>li{border:1px solid var(--rule);border-radius:4px;padding:.6rem .8rem;break-inside:avoid;min-width:0}
.cards p{margin:.3rem 0;overflow-wrap:anywhere}.cards .cure{border-left:3px solid var(--s1);padding-left:.5rem}
.cards .links{columns:2;padding-left:1.1rem;margin:.3rem 0;font-size:var(--t2);overflow-wrap:anywhere}
.cost .band{fill:var(--s4)}.cost path{stroke:currentColor;vector-effect:non-scaling-stroke;fill:none}.cost .zero{stroke:var(--line);stroke-width:1}
.cost{overflow:visible;border-bottom:1px solid var(--rule)}.cost .interval{stroke-width:3}.cost .dot{stroke-width:9;stroke-linecap:round}
.changes li{border-top:1px solid var(--rule);padding:.4rem 0;break-inside:avoid;overflow-wrap:anywhere}
.changes p{margin:.15rem 0}.strip{display:inline-block;height:14px;width:auto;vertical-align:middle}
.strip rect{stroke:var(--line);stroke-width:1}.strip .good{fill:var(--s1)}.strip .bad{fill:var(--sf)}.strip .cross{stroke:var(--sft);stroke-width:2;fill:none}
@media (max-width:600px){.cards .links{columns:1}}
@media (forced-colors:active){.share rect,.strip rect,.band{forced-color-adjust:none}}
@media print{.share rect,.strip rect,.band{print-color-adjust:exact;-webkit-print-color-adjust:exact}.cards{grid-template-columns:1fr 1fr}}
`.trim();
