/**
 * The style sheet. One hue from strong to faint for the tiers (order is lightness), another with a hatch for failure,
 * grey for cells that were not tested; all text at 4.5:1 and more in both schemes. Every state also has its word, and
 * its own border where colours are taken away (forced colours, print).
 */
export const styles = `
:root{color-scheme:light dark;--fg:#15202b;--bg:#fff;--soft:#f3f5f8;--rule:#d5dbe2;--line:#7a8794;--link:#0a4f9e;--mute:#4a5763;
--s1:#0b4f8a;--s1t:#fff;--s2:#8fc1ea;--s2t:#06203a;--s3:#dcecf9;--s3t:#06203a;--s4:#efe3b0;--s4t:#2b2400;
--sf:#8a3200;--sfh:#7a2b00;--sft:#fff;--su:#dcdcdc;--suh:#cfcfcf;--sut:#222;--sn:#ececec;--snt:#505050}
@media (prefers-color-scheme:dark){:root{--fg:#e4eaf0;--bg:#12181f;--soft:#1c242d;--rule:#35404b;--line:#7d8a97;--link:#8cc4ff;--mute:#b3bfca;
--s1:#86c5ff;--s1t:#04172a;--s2:#2a659f;--s2t:#fff;--s3:#17385a;--s3t:#e2effb;--s4:#5c4d00;--s4t:#fff4c2;
--sf:#ffa876;--sfh:#f79a64;--sft:#2a0d00;--su:#3a4048;--suh:#444a52;--sut:#f0f0f0;--sn:#262c33;--snt:#c0c6cc}}
*{box-sizing:border-box}
body{margin:0;color:var(--fg);background:var(--bg);font:15px/1.45 system-ui,sans-serif}
header,main,footer{max-width:1320px;margin:0 auto;padding:0 1.25rem}
h1{font-size:1.55rem;line-height:1.2;margin:1rem 0 .6rem;text-wrap:balance}
h2{font-size:1.2rem;margin:2rem 0 .5rem}h2 small{font-weight:400;color:var(--mute);font-size:.9rem;margin-left:.4rem}
h3{font-size:.95rem;margin:.9rem 0 .25rem}
p{margin:.35rem 0;max-width:75rem}a{color:var(--link)}
a:focus-visible,summary:focus-visible,select:focus-visible,input:focus-visible,button:focus-visible,[tabindex]:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.skip{position:absolute;left:-999rem}.skip:focus{position:static}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem .8rem;margin:.4rem 0}
dt{color:var(--mute)}dd{margin:0;overflow-wrap:anywhere}
.first{display:grid;grid-template-columns:1fr 1fr;gap:.6rem 2.5rem;align-items:start}
.facts{font-size:.86rem;line-height:1.4;margin:0;padding-left:1.25rem;border-left:1px solid var(--rule)}
.sentences p{margin:0 0 .5rem}.sentences p:first-child{font-size:1.1rem}
.scroll{overflow-x:auto;max-width:100%}.tall{max-height:75vh;overflow-y:auto;border-bottom:1px solid var(--rule)}
table{border-collapse:separate;border-spacing:2px}
caption{text-align:left;color:var(--mute);padding:.3rem 0;font-size:.9rem}caption span{display:inline-block;position:sticky;left:0;max-width:min(calc(100vw - 2.5rem),75rem)}
th{text-align:left;font-weight:600;padding:.2rem .5rem;background:var(--soft);vertical-align:bottom}
.grid th[scope=row]{vertical-align:middle}.grid th[scope=row]:first-child{position:sticky;left:0}.grid th[scope=row]{min-width:4rem}
.grid thead th{white-space:nowrap}.tall thead{position:sticky;top:0;z-index:1}
td{padding:.2rem .5rem;vertical-align:top;overflow-wrap:anywhere}
.grid td{padding:0;text-align:center;white-space:nowrap;border:1px solid var(--line);border-radius:3px;vertical-align:middle}
.grid td.sn,.grid td.cost,.grid td.told{padding:.3rem .5rem}.grid td.cost,.grid td.told{border-color:transparent;color:var(--mute);text-align:left}
.grid td.told{white-space:normal;min-width:16rem;font-size:.9rem;line-height:1.3}
.grid td small{display:block;padding:0 .5rem .25rem}
.grid a{display:block;padding:.3rem .6rem;min-height:24px;color:inherit;text-decoration:none}
.grid a:hover{text-decoration:underline}.grid a:focus-visible{outline-offset:-3px;outline-color:currentColor}
.grid td.cost small{padding:0}
.off{visibility:hidden}
td.e a::after,.chip.e::after{content:"ᵉ";content:"ᵉ" / " emulated"}td.o a::before,.chip.o::before{content:"† ";content:"† " / "older "}
.chip{display:inline-block;padding:.05rem .5rem;border:1px solid var(--line);border-radius:3px;white-space:nowrap}
.s1{background:var(--s1);color:var(--s1t)}.s2{background:var(--s2);color:var(--s2t)}
.s3{background:var(--s3);color:var(--s3t)}.s4{background:var(--s4);color:var(--s4t)}
.sf{color:var(--sft);background:repeating-linear-gradient(135deg,var(--sf) 0 6px,var(--sfh) 6px 9px) var(--sf)}
.su{color:var(--sut);background:repeating-linear-gradient(135deg,var(--su) 0 6px,var(--suh) 6px 9px) var(--su)}
.sn{background:var(--sn);color:var(--snt)}
.grid td.s2,.chip.s2{border-style:dashed}.grid td.s3,.chip.s3{border-style:dotted}.grid td.sf,.chip.sf{border-style:double;border-width:3px}
.shares{display:block;width:100%;height:12px;margin:.9rem 0 .5rem}
.shares rect{stroke:var(--line);stroke-width:1;vector-effect:non-scaling-stroke}
.shares .s1{fill:var(--s1)}.shares .s2{fill:var(--s2)}.shares .s3{fill:var(--s3)}.shares .s4{fill:var(--s4)}.shares .sf{fill:var(--sf)}.shares .su{fill:var(--su)}.shares .sn{fill:var(--sn)}
.legend{list-style:none;padding:0;margin:.4rem 0;display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;font-size:.88rem;color:var(--mute)}
.legend b{color:var(--fg)}.states{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(31rem,100%),1fr));gap:.35rem 1.5rem}
.states li{display:grid;grid-template-columns:7.6rem 2.4rem 1fr;gap:.5rem;align-items:baseline}.states .chip{text-align:center}.states b{text-align:right;font-variant-numeric:tabular-nums}
.states .chip+span{grid-column:2/4}
.why h2,.why h3{margin-top:1rem}
.reasons{margin:.3rem 0;padding-left:1.2rem;overflow-wrap:anywhere}.reasons li{margin:.15rem 0}
form{display:flex;flex-wrap:wrap;gap:.5rem .8rem;align-items:end;margin:.6rem 0;padding:.7rem;background:var(--soft);border-radius:4px}
form[hidden]{display:none}
label{display:flex;flex-direction:column;font-size:.85rem;color:var(--mute)}
select,input,button{font:inherit;color:var(--fg);background:var(--bg);border:1px solid var(--line);border-radius:3px;min-height:2rem;max-width:14rem;padding:.1rem .4rem}
button{cursor:pointer}output{align-self:center;font-weight:600}
details{border-top:1px solid var(--rule);padding:.3rem 0;scroll-margin-top:1rem}
#cells>details{content-visibility:auto;contain-intrinsic-size:auto 2.2rem}
#cells>details[open]{border:1px solid var(--rule);border-left:3px solid var(--line);padding:.3rem .8rem;margin:.4rem 0;border-radius:4px}
details[hidden]{display:none}
summary{cursor:pointer;min-height:24px;overflow-wrap:anywhere}
#cells>details>summary{font-weight:600}#cells>details>summary i{font-weight:400}
summary i{color:var(--mute);font-style:normal}.chip{font-weight:400}
#cells>details>div{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(26rem,100%),1fr));gap:0 2rem;padding:.2rem 0 .8rem}
#cells section{min-width:0}.wide{grid-column:1/-1}
.fold{border:0;padding:0;margin:.3rem 0}.fold>summary{color:var(--mute);font-weight:400}
.source>div{padding:.2rem 0 .8rem 1rem}
pre{background:var(--soft);padding:.5rem .7rem;border-radius:4px;overflow:auto;max-height:22rem;white-space:pre-wrap;overflow-wrap:anywhere;font:13px/1.4 ui-monospace,monospace;margin:.3rem 0}
pre,dd,td,i{unicode-bidi:isolate}
.plain{font-size:.92rem}tbody th{vertical-align:top}
figure{margin:.6rem 0}figcaption{color:var(--mute);font-size:.9rem}
.chart{max-width:1040px;width:100%;height:auto;font-size:12px;fill:currentColor}
.chart line{stroke:currentColor}.chart .tick{stroke:var(--rule)}.chart .interval{stroke-width:3}.chart .zero{stroke-dasharray:3 3}
.chart .hollow{fill:var(--bg);stroke:currentColor;stroke-width:1.5}
footer{color:var(--mute);padding-top:1rem;padding-bottom:1.5rem;font-size:.9rem}
@media (max-width:900px){.first{grid-template-columns:1fr}.facts{padding:.5rem 0 0;border-left:0;border-top:1px solid var(--rule)}}
@media (max-width:600px){body{font-size:14px}header,main,footer{padding-left:1rem;padding-right:1rem}h1{font-size:1.3rem}.sentences p:first-child{font-size:1rem}.facts{font-size:.82rem}
#cells dl{grid-template-columns:minmax(7rem,max-content) 1fr}th,td{padding:.15rem .3rem}.grid th[scope=row]{max-width:8.5rem}.grid td.told{min-width:13rem}figure{overflow-x:auto}figure .chart{min-width:760px}
.states li{grid-template-columns:7rem 1.8rem 1fr}}
@media (forced-colors:active){.chip,.grid td{border-color:CanvasText}.s1{border-width:2px}.sf,.su{background:Canvas}.sn{color:GrayText}.shares rect{forced-color-adjust:none}}
@media print{:root{color-scheme:light}body{font-size:10pt}form,.skip,button{display:none!important}.scroll{overflow:visible;max-height:none}.tall thead{position:static}
thead{display:table-header-group}tr,.facts,figure,.states li{break-inside:avoid}h2,h3{break-after:avoid}.chip,.grid td,.shares{print-color-adjust:exact;-webkit-print-color-adjust:exact}
pre{max-height:none}details::details-content{content-visibility:visible;display:block;block-size:auto}#cells>details{content-visibility:visible}
#cells a[href^=http]::after{content:" (" attr(href) ")"}}
`.trim();
