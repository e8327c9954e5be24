/** The file of a matrix that a person names: one of theirs, else one that is part of poolproof. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { project } from '../../images/paths.ts';

/** `default`, `default.yaml`, `matrices/default.yaml` */
const shippedName = /^(?:matrices\/)?([a-z][a-z-]*?)(?:\.yaml)?$/;

/**
 * The same path where there is such a file, otherwise that of the shipped matrix of that name, otherwise the same path:
 * loading it says what is wrong.
 */
export function findMatrix(name = 'matrices/default.yaml'): string {
  if (existsSync(name)) return name;
  const stem = shippedName.exec(name)?.[1];
  const shipped = path.join(project.matricesFolder, `${stem ?? ''}.yaml`);
  return stem !== undefined && existsSync(shipped) ? shipped : name;
}
