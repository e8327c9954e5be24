import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { noEstimates } from '../plan/run-estimates.ts';
import { loadExperience, saveExperience } from './experience-file.ts';

t.test('what was learned is read back; a missing or damaged file is no experience', async (t) => {
  const dir = path.join(t.testdir(), 'cache');
  t.same(await loadExperience(dir), noEstimates);
  const experience = { durations: new Map([['a', 1200]]), peaksMib: new Map([['k', 433.5]]) };
  await saveExperience(dir, experience);
  t.same(await loadExperience(dir), experience);
  for (const text of ['', '{"schema":2}', '{"schema":1,"durationsMs":{"a":-1},"peaksMib":{}}']) {
    writeFileSync(path.join(dir, 'experience.json'), text);
    t.same(await loadExperience(dir), noEstimates, text);
  }
});

t.test('a cache that cannot be written ends no run', async (t) => {
  const dir = t.testdir({ file: '' });
  await saveExperience(path.join(dir, 'file'), noEstimates);
  t.same(await loadExperience(path.join(dir, 'file')), noEstimates);
});
