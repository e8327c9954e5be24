/** `poolproof init`: a first matrix in this folder. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { project } from '../../images/paths.ts';
import { errnoOf, PoolproofError } from '../errors.ts';
import type { Context } from './context.ts';

const text = (schema: string): string => `# yaml-language-server: $schema=${schema}
title: A first matrix
axes: # every combination is a cell; each is run in a guest of its own
  memory: [512M, 2G]
  overcommit: [0, 2]
expect: # without a rule, the model's prediction is the expectation
  - where: { overcommit: 0 }
    tier: standard
    because: nothing is charged before it is used
`;

/** Exit code 0. @throws PoolproofError USAGE where the file is there, STORE_UNWRITABLE where it cannot be written */
export async function init(context: Context, [file = 'matrix.yaml']: readonly string[]): Promise<number> {
  const schema = path.join(project.matricesFolder, 'matrix.schema.json');
  const beside = path.relative(path.dirname(path.resolve(file)), schema);
  try {
    // Paths upwards say how this very computer is laid out, as an absolute one does, and break sooner.
    await writeFile(file, text(beside.startsWith('..') ? schema : `./${beside}`), { flag: 'wx' });
  } catch (cause) {
    if (errnoOf(cause) === 'EEXIST')
      throw new PoolproofError('USAGE', 'this file is there already; it is left as it is', { file, cause });
    throw new PoolproofError('STORE_UNWRITABLE', 'this file cannot be written', { file, cause });
  }
  context.out(`${file}: 4 cells\nrun it: poolproof run ${file}\n`);
  return 0;
}
