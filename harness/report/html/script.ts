/**
 * The page's own script, as text: it is part of the page byte for byte (the policy names its hash), so it
 * may not depend on how this program was compiled. It adds filters, sorting, links that open panels,
 * panels of large reports, and printing of what is not shown yet. Everything else is there without it.
 */
export const script = `
'use strict';
(() => {
const data = JSON.parse(document.getElementById('data').textContent);
const list = document.getElementById('cells');
const form = document.getElementById('filters');
const counted = form.querySelector('output');
// A long list is text until its rows are needed: with a script running, noscript is not parsed.
const raw = list.querySelector('noscript');
const rows = raw && raw.textContent.split(/(?=<details )/);
const items = raw ? [] : [...list.children];
const ids = raw ? rows.map((row) => row.slice(13, row.indexOf('"', 13))) : items.map((item) => item.id);
const at = new Map(ids.map((id, index) => [id, index]));
const itemOf = (i) => {
  if (!items[i]) {
    const template = document.createElement('template');
    template.innerHTML = rows[i];
    items[i] = template.content.firstElementChild;
  }
  return items[i];
};
// Long grids likewise: lines that are not shown are text.
const shownLines = 300;
let on = [];
const openGrid = (box) => {
  const body = box.querySelector('tbody');
  const rest = box.querySelector('noscript');
  const restBody = rest ? rest.textContent : '';
  const lines = [...body.rows, ...restBody.slice(restBody.indexOf('<tbody>') + 7, restBody.lastIndexOf('</tbody>')).split(/(?=<tr>)/).filter((row) => row.startsWith('<tr>'))];
  const lineCells = lines.map((line) => (typeof line === 'string' ? [...line.matchAll(/ href="#([^"]*)"/g)].map((match) => match[1]) : [...line.querySelectorAll('td a')].map((link) => link.hash.slice(1))).map((id) => at.get(id)));
  const lineOf = (k) => {
    if (typeof lines[k] === 'string') {
      const template = document.createElement('template');
      template.innerHTML = lines[k];
      lines[k] = template.content.firstElementChild;
    }
    return lines[k];
  };
  const more = document.createElement('button');
  more.type = 'button';
  more.hidden = true;
  let whole = false;
  const show = () => {
    const wanted = lines.map((_, k) => k).filter((k) => lineCells[k].some((i) => on[i]));
    const count = whole ? wanted.length : Math.min(wanted.length, shownLines);
    body.replaceChildren(...wanted.slice(0, count).map((k) => {
      const line = lineOf(k);
      line.querySelectorAll('td a').forEach((link, c) => link.parentElement.classList.toggle('off', !on[lineCells[k][c]]));
      return line;
    }));
    box.hidden = wanted.length === 0;
    more.hidden = count === wanted.length;
    more.textContent = 'All ' + wanted.length + ' lines of the grid';
  };
  const showAll = () => { whole = true; if (!more.hidden) show(); };
  more.addEventListener('click', showAll);
  if (rest) rest.replaceWith(more);
  return { body, show, showAll, long: rest !== null };
};
const grids = [...document.querySelectorAll('.gridbox')].map(openGrid);
const linkTo = (i) => grids.flatMap(({ body }) => [...body.querySelectorAll('td a')]).find((link) => at.get(link.hash.slice(1)) === i);
const n = data.axes.length;
const texts = [];
const textOf = (i) => (texts[i] ??= (raw ? rows[i].slice(13).replace(/<summary>|<[/bi][^>]*>/g, '') : items[i].firstElementChild.textContent + ' ' + ids[i]).toLowerCase());

// Shows the first rows at once, the others when there is time.
let queue = [];
let timer;
const append = (count) => {
  clearTimeout(timer);
  list.append(...queue.splice(0, count).map(itemOf));
  if (queue.length) timer = setTimeout(append, 30, 200);
};
const show = (order) => {
  list.replaceChildren();
  queue = order;
  append(200);
};

// The markup was escaped when the page was made; the policy forbids scripts in it in any case.
let panels;
const unpack = () => {
  const lastOfLength = {};
  panels = data.bodies.map(([length, ...parts]) => {
    const last = lastOfLength[length] ?? [];
    const body = [];
    for (const part of parts)
      if (part < 0) for (let k = -part; k > 0; k -= 1) body.push(last[body.length]);
      else body.push(part);
    return (lastOfLength[length] = body);
  });
};
const fill = (item) => {
  if (!data.bodies || item.children.length > 1) return;
  if (!panels) unpack();
  const id = item.id.slice(5);
  const path = id.replace(/[=@]/g, '_').replaceAll(',', '-').slice(0, 80);
  const parts = panels[at.get(item.id)].map((part) => (typeof part === 'number' ? data.pieces[part] : part));
  const div = document.createElement('div');
  div.innerHTML = parts.join('').replaceAll('\\u0001', () => id).replaceAll('\\u0002', () => path);
  item.append(div);
};
const reveal = (item) => { fill(item); item.open = true; };

const orders = {
  '': (a, b) => a - b,
  worst: (a, b) => data.cells[b][n] - data.cells[a][n] || a - b,
  best: (a, b) => data.cells[a][n] - data.cells[b][n] || a - b,
  verdict: (a, b) => data.cells[a][n + 1] - data.cells[b][n + 1] || a - b,
  old: (a, b) => data.cells[b][n + 2] - data.cells[a][n + 2] || a - b,
};

const apply = () => {
  const want = new FormData(form);
  const tests = [];
  data.axes.forEach((name, k) => { const v = want.get('a.' + name); if (v) tests.push([k, +v]); });
  if (want.get('state')) tests.push([n, +want.get('state')]);
  if (want.get('verdict')) tests.push([n + 1, +want.get('verdict')]);
  const words = want.get('find').toLowerCase().split(/\\s+/).filter(Boolean);
  on = data.cells.map((cell, i) => tests.every(([k, v]) => cell[k] === v) && words.every((word) => textOf(i).includes(word)));
  grids.forEach(({ show }) => show());
  const order = ids.map((_, i) => i).filter((i) => on[i]).sort(orders[want.get('sort')]);
  counted.value = order.length === ids.length ? ids.length + ' cells' : order.length + ' of ' + ids.length + ' cells';
  show(order);
};
const remember = () => {
  const state = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
  history.replaceState(null, '', '#' + (state.size ? '?' + state : ''));
};
const goTo = () => {
  if (location.hash.startsWith('#?')) {
    for (const [name, value] of new URLSearchParams(location.hash.slice(2)))
      if (form.elements[name] && 'value' in form.elements[name]) form.elements[name].value = value;
    apply();
    return;
  }
  let id = location.hash.slice(1);
  try { id = decodeURIComponent(id); } catch { /* not encoded */ }
  if (!at.has(id)) return;
  const item = itemOf(at.get(id));
  if (!item.isConnected) append(Infinity);
  if (!item.isConnected) list.prepend(item);
  reveal(item);
  item.scrollIntoView();
  item.firstElementChild.focus();
};

let from = null;
form.addEventListener('input', () => { apply(); remember(); });
form.addEventListener('submit', (event) => event.preventDefault());
form.addEventListener('reset', () => setTimeout(() => { apply(); remember(); }));
list.addEventListener('toggle', (event) => { if (event.target.open && at.has(event.target.id)) fill(event.target); }, true);
list.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  const item = event.target.closest('#cells > details');
  if (!item || !item.open) return;
  item.open = false;
  const link = from && from.hash.slice(1) === item.id ? from : linkTo(at.get(item.id));
  (link && !link.closest('.off') ? link : item.firstElementChild).focus();
});
// Escape leads back to it; the same link twice changes no address.
document.addEventListener('click', (event) => {
  const link = event.target.closest('a[href^="#cell-"]');
  if (!link) return;
  from = link;
  if (link.hash === location.hash) goTo();
});
addEventListener('hashchange', goTo);
addEventListener('beforeprint', () => {
  append(Infinity);
  grids.forEach(({ showAll }) => showAll());
});
form.hidden = false;
on = ids.map(() => true);
grids.forEach((grid) => grid.long && grid.show());
if (raw) show(ids.map((_, i) => i));
goTo();
document.documentElement.dataset.ready = '';
})();
`.trim();
