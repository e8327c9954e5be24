import { readFileSync } from 'node:fs';
import t from 'tap';
import { packageOfTool, qemuTool, tools } from './tools.ts';

t.test('what the set-up script installs is what the table says', (t) => {
  const script = readFileSync(new URL('../scripts/set-up', import.meta.url), 'utf8');
  const needed = [...script.matchAll(/^need (\S+) (.+)$/gm)];
  t.ok(needed.length > 3);
  for (const [, name = '', packages = ''] of needed) {
    t.ok(
      [qemuTool, ...tools].some((tool) => tool.name === name),
      `${name} is in the table`,
    );
    t.ok(packageOfTool(name).split(' ').includes(packages), `${name} is in ${packages}`);
  }
  t.equal(packageOfTool('no-such-tool'), 'no-such-tool');
  t.end();
});
