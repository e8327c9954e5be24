/**
 * The style sheet: tokens first, each with its meaning, then the page from top to bottom, then its other media. One hue
 * from strong to faint stands for the tiers (order is lightness) and another for failure, at 4.5:1 and more in both
 * schemes. Every state also has its word, a sign, and a border of its own where colours are taken away.
 */
const tokens = `
:root{
color-scheme:light dark;
/* Text, its ground, a ground beside it, rules, outlines, links, text of second rank. */
--fg:#15202b;--bg:#fff;--soft:#f3f5f8;--rule:#d5dbe2;--line:#7a8794;--link:#0a4f9e;--mute:#4a5763;
/* The whole pool, and text on it. */
--s1:#0b4f8a;--s1t:#fff;
/* A smaller pool. */
--s2:#8fc1ea;--s2t:#06203a;
/* No pool, or none that shows. */
--s3:#dcecf9;--s3t:#06203a;
/* Different each time. */
--s4:#efe3b0;--s4t:#2b2400;
/* Failure. */
--sf:#8a3200;--sft:#fff;
/* No verdict. */
--su:#dcdcdc;--sut:#222;
/* Not tested. */
--sn:#f4f4f4;--snt:#505050;
/* Type, five steps: notes, tables, text, headings, the title. */
--t1:.8rem;--t2:.9rem;--t3:1rem;--t4:1.25rem;--t5:1.75rem;
/* Space, five steps: within a cell, between cells, between lines, between blocks, between sections. */
--g1:.15rem;--g2:.35rem;--g3:.6rem;--g4:1.2rem;--g5:2.5rem;
/* The longest line of text: about 75 characters. */
--measure:38rem}
@media (prefers-color-scheme:dark){:root{--fg:#e4eaf0;--bg:#12181f;--soft:#1c242d;--rule:#35404b;--line:#7d8a97;--link:#8cc4ff;--mute:#b3bfca;
--s1:#86c5ff;--s1t:#04172a;--s2:#2a659f;--s2t:#fff;--s3:#17385a;--s3t:#e2effb;--s4:#5c4d00;--s4t:#fff4c2;
--sf:#ffa876;--sft:#2a0d00;--su:#3a4048;--sut:#f0f0f0;--sn:#1a2027;--snt:#c0c6cc}}
`;

const page = `
*{box-sizing:border-box}
body{margin:0;overflow-wrap:break-word;color:var(--fg);background:var(--bg);font:var(--t3)/1.5 system-ui,sans-serif}
header,main,footer{max-width:84rem;margin:0 auto;padding:0 var(--g4)}
h1{font-size:var(--t5);line-height:1.2;margin:var(--g4) 0 var(--g2);text-wrap:balance}
h2{font-size:var(--t4);line-height:1.3;margin:var(--g5) 0 var(--g3);padding-top:var(--g2);border-top:1px solid var(--rule)}
h3{font-size:var(--t3);margin:var(--g4) 0 var(--g2)}
h2 small{font-weight:400;color:var(--mute);font-size:var(--t2)}
p{margin:var(--g2) 0;max-width:var(--measure)}a{color:var(--link)}
small{font-size:var(--t1)}
.date,.note,footer{color:var(--mute);font-size:var(--t2)}.lead{font-size:var(--t4);line-height:1.35;margin:var(--g3) 0 var(--g4);max-width:50rem}
:focus-visible{outline:3px solid var(--link);outline-offset:2px}h2:focus{outline:0}
.skip{position:absolute;left:-999rem}.skip:focus{position:static}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.contents ul{list-style:none;display:flex;flex-wrap:wrap;gap:var(--g2) var(--g4);margin:var(--g4) 0 0;padding:var(--g3) 0;border-top:1px solid var(--rule);border-bottom:1px solid var(--rule);font-size:var(--t2)}
.contents a{display:inline-block;min-height:24px}
dl{display:grid;grid-template-columns:max-content 1fr;gap:var(--g1) var(--g3);margin:var(--g2) 0;max-width:52rem}
dt{color:var(--mute)}dd{margin:0;overflow-wrap:anywhere;max-width:var(--measure)}
ul.reasons,ul.files{margin:var(--g2) 0;padding-left:1.2rem;max-width:var(--measure);overflow-wrap:anywhere}li{margin:var(--g1) 0}
code{font:.85em ui-monospace,monospace;overflow-wrap:anywhere}
`;

const tables = `
table{border-collapse:separate;border-spacing:2px;font-size:var(--t2);line-height:1.35}
caption{text-align:left;font-weight:600;padding:var(--g2) 0}caption small{display:block;font-weight:400;color:var(--mute);max-width:var(--measure)}
th{text-align:left;font-weight:600;padding:var(--g2) var(--g3);background:var(--soft);vertical-align:bottom;overflow-wrap:anywhere}.plain thead th{overflow-wrap:normal}
th small{font-weight:400;color:var(--mute)}
tbody th{vertical-align:top}.tiers tbody th{white-space:nowrap}td{padding:var(--g2) var(--g3);vertical-align:top;overflow-wrap:anywhere}
.grid td{padding:0;border:1px solid var(--line);border-radius:3px}
.grid td.sn,.grid td.told{padding:var(--g2) var(--g3)}
.grid td.sn{border-color:transparent}.grid td.told{border-color:transparent;color:var(--mute)}.grid td.told{max-width:30rem}
.grid a{display:block;padding:var(--g2) var(--g3);min-height:24px;color:inherit;text-decoration:none}
.grid a:hover{text-decoration:underline}.grid a:focus-visible{outline-offset:-3px;outline-color:currentColor}
.grid td small{display:block;padding:0 var(--g3) var(--g2)}.grid td.sn small{padding:0}
.verdict{width:100%;table-layout:fixed}.verdict thead th:first-child{width:17rem}.verdict a{font-weight:600}
.verdict.one{max-width:58rem}.verdict.one thead th:first-child{width:55%}.verdict th[scope=row]{font-weight:400}.verdict th span{display:block}
.verdict .basis{font-style:italic}
.untested{display:none}
.grids{display:flex;flex-wrap:wrap;gap:var(--g4) var(--g5);align-items:start}.gridbox{max-width:100%}.gridbox.long{flex:1 1 100%}
.off{visibility:hidden}
td.e a::after,.chip.e::after{content:"ᵉ";content:"ᵉ" / " emulated"}td.o a::before,.chip.o::before{content:"† ";content:"† " / "older "}
.chip{display:inline-block;padding:0 var(--g3);border:1px solid var(--line);border-radius:3px;white-space:nowrap;font-weight:400}
.s1{background:var(--s1);color:var(--s1t)}.s2{background:var(--s2);color:var(--s2t)}.s3{background:var(--s3);color:var(--s3t)}.s4{background:var(--s4);color:var(--s4t)}
.sf{background:var(--sf);color:var(--sft)}.su{background:var(--su);color:var(--sut)}.sn{background:var(--sn);color:var(--snt)}
.grid td.s2,.chip.s2{border-style:dashed}.grid td.s3,.chip.s3{border-style:dotted}.grid td.sf,.chip.sf{border-style:double;border-width:3px}
.shares{display:block;width:100%;height:12px;margin:var(--g3) 0}
.shares rect{stroke:var(--line);stroke-width:1;vector-effect:non-scaling-stroke}
.shares .s1{fill:var(--s1)}.shares .s2{fill:var(--s2)}.shares .s3{fill:var(--s3)}.shares .s4{fill:var(--s4)}.shares .sf{fill:var(--sf)}.shares .su{fill:var(--su)}.shares .sn{fill:var(--sn)}
.legend{list-style:none;padding:0;margin:var(--g2) 0;display:flex;flex-wrap:wrap;gap:var(--g2) var(--g4);font-size:var(--t2);color:var(--mute)}
.legend b{color:var(--fg)}.states{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(28rem,100%),1fr))}
.states li{display:grid;grid-template-columns:7.6rem 2.4rem 1fr;gap:var(--g3);align-items:baseline;margin:0}.states .chip{text-align:center}.states b{text-align:right;font-variant-numeric:tabular-nums}
.states .chip+span{grid-column:2/4}
figure{margin:var(--g3) 0}figcaption{color:var(--mute);font-size:var(--t2);max-width:var(--measure)}
.chart{max-width:65rem;width:100%;height:auto;font-size:12px;fill:currentColor}
.chart line{stroke:currentColor}.chart .tick{stroke:var(--rule)}.chart .interval{stroke-width:3}.chart .zero{stroke-dasharray:3 3}
.chart .hollow{fill:var(--bg);stroke:currentColor;stroke-width:1.5}
`;

const cells = `
form{display:flex;flex-wrap:wrap;gap:var(--g3);align-items:end;margin:var(--g3) 0;padding:var(--g3);background:var(--soft);border-radius:4px}
form[hidden]{display:none}
label{display:flex;min-width:0;max-width:100%;flex-direction:column;font-size:var(--t1);color:var(--mute)}
select,input,button{font:inherit;color:var(--fg);background:var(--bg);border:1px solid var(--line);border-radius:3px;min-height:2rem;max-width:min(14rem,100%);padding:var(--g1) var(--g2)}
button{cursor:pointer}output{align-self:center;font-weight:600}
details{padding:var(--g2) 0;scroll-margin-top:1rem}details[hidden]{display:none}
summary{cursor:pointer;min-height:24px;overflow-wrap:anywhere}
#cells>details{border-top:1px solid var(--rule);content-visibility:auto;contain-intrinsic-size:auto 2.2rem}
#cells>details[open]{border:1px solid var(--rule);border-left:3px solid var(--line);padding:var(--g2) var(--g3);margin:var(--g2) 0;border-radius:4px}
#cells>details>summary{font-weight:600}#cells summary i{font-weight:400;font-style:normal;font-size:var(--t2);color:var(--mute);display:block;max-width:var(--measure)}
#cells>details>div{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(26rem,100%),1fr));gap:0 2rem;padding:var(--g1) 0 var(--g3)}
#cells section{min-width:0}#cells .wide:not(table){grid-column:1/-1}
.fold>summary{color:var(--mute);font-weight:400}
pre{background:var(--soft);padding:var(--g3);border-radius:4px;white-space:pre-wrap;overflow-wrap:anywhere;font:.8rem/1.4 ui-monospace,monospace;margin:var(--g2) 0}
pre,dd,td,i{unicode-bidi:isolate}
footer{margin-top:var(--g5);padding-top:var(--g3);padding-bottom:var(--g4)}
`;

/** A table wider than the screen as cards: for each row its head, then a box per place with the name of its column. */
const asCards = (of: string): string => `
${of},${of}>caption,${of}>tbody{display:block}${of}>caption.unseen{position:absolute}
${of}>thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
${of}>tbody>tr{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(10.5rem,46%),1fr));gap:var(--g2);padding:var(--g3) 0;border-top:1px solid var(--rule)}
${of}>tbody>tr>th{grid-column:1/-1;width:auto}${of}>tbody>tr>td{min-width:0;height:auto}
${of}>tbody>tr>th[data-c]::before{content:attr(data-c) " ";font-weight:400;color:var(--mute)}
${of}>tbody>tr>td.told{grid-column:1/-1}
${of}>tbody>tr>td[data-c]::before{content:attr(data-c);display:block;font-size:var(--t1);padding:var(--g2) var(--g3) 0}
${of}.verdict>tbody>tr>td.sn{display:none}${of} .untested{display:block}
${of}>tbody>tr>td.sn::before,${of}.plain>tbody>tr>td::before{padding:0}
`;

const media = `
@media (max-width:1100px){${asCards('table.wide')}}
@media (max-width:720px){${asCards('table.middle')}
header,main,footer{padding-left:var(--g3);padding-right:var(--g3)}:root{--t4:1.1rem;--t5:1.4rem}
dl{grid-template-columns:minmax(6rem,max-content) 1fr}.states li{grid-template-columns:7rem 1.8rem 1fr}}
@media (max-width:480px){.gridbox{flex:1 1 100%}${asCards('table.narrow')}table.verdict.narrow>tbody>tr{grid-template-columns:1fr}}
@media (forced-colors:active){.chip,.grid td{border-color:CanvasText}.grid td.s1,.chip.s1{border-width:2px}.sn{color:GrayText}.shares rect{forced-color-adjust:none}}
@media print{:root{color-scheme:light;--t1:7pt;--t2:8pt;--t3:8.5pt;--t4:10pt;--t5:14pt;--g4:.6rem;--g5:.8rem}
form,.skip,button,.contents,nav,.files,.sources,.fold:not(.more){display:none!important}
section[aria-labelledby=why],section[aria-labelledby=files],section[aria-labelledby=sources]{display:none}ul.effects{max-width:none;grid-template-columns:1fr 1fr;gap:4pt 1rem;font-size:var(--t2)}header,main,footer{max-width:none;padding:0}
thead{display:table-header-group}tr,figure,.gridbox:not(.long),#cells>details{break-inside:avoid}h2,h3{break-after:avoid}
.chip,.grid td,.shares{print-color-adjust:exact;-webkit-print-color-adjust:exact}
#cells{columns:3;column-gap:1rem}#cells>details{content-visibility:visible;padding:1pt 0}
.more::details-content{content-visibility:visible;display:block;block-size:auto}}
`;

/** Comments are for those who change it. */
export const styles = [tokens, page, tables, cells, media]
  .join('')
  .replace(/\/\*.*?\*\//gs, '')
  .replace(/\n+/g, '\n')
  .trim();
