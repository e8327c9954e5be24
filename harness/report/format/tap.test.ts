import { Parser, type Result } from 'tap-parser';
import t from 'tap';
import { buildStandard, recordOf, viewOf } from '../../fixtures/report/results.ts';
import { tap } from './tap.ts';

const one = [buildStandard()];

t.test('an interrupted run bails out, and has no plan', (t) => {
  const text = tap.render(viewOf(one, undefined, { interrupted: true }));
  t.match(text, /^ok 1 - .*\nBail out! interrupted\n$/m);
  t.notMatch(text, /^1\.\./m);
  t.end();
});

t.test('a run that has all cells and is not finished has a point that fails', (t) => {
  const text = tap.render(viewOf(one, { ...recordOf(one), finishedAt: null }));
  const points = new Array<Result>();
  const parser = new Parser().on('assert', (point: Result) => points.push(point));
  parser.end(text);
  t.match(points[1], {
    ok: false,
    id: 2,
    name: /^every cell is there, but the run is not finished/,
    diag: null,
  });
  t.end();
});
