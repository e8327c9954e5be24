/**
 * Files of kernels of one's own: their places are relative to the matrix that names them. Cells have the names alone,
 * so that no id and no result holds a place of this computer.
 */
import path from 'node:path';
import { nameKernel, parseKernelFile } from '../../images/kernel-file.ts';
import type { AxisTable } from '../axes/table.ts';
import type { Problem } from './diagnostics.ts';
import { changeValue, type Path, type Source } from './source.ts';

export type PlacedKernels = Readonly<{
  /** The same with names for files. */
  source: Source;
  /** Values of the axis with the places of files, by name. */
  files: ReadonlyMap<string, string>;
  problems: readonly Problem[];
}>;

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Below these stand names of other things. */
const foreign: readonly string[] = ['env', 'subject', 'subjects'];

/** @param folder that of the matrix, as the user named it: paths stay as short as they were written */
export function withKernelPlaces(source: Source, folder: string, { kernel: axis }: AxisTable): PlacedKernels {
  const files = new Map<string, string>();
  const problems: Problem[] = [];
  const place = (file: unknown): unknown =>
    typeof file === 'string' && !path.isAbsolute(file) ? path.join(folder, file) : file;
  const nameFile = (value: unknown, at: Path): unknown => {
    const placed = isMap(value)
      ? {
          ...value,
          file: place(value['file']),
          ...('modules' in value && { modules: place(value['modules']) }),
        }
      : value;
    const { data: text } = axis.schema.safeParse(placed);
    // A row, or refused later with its place.
    if (text === undefined || parseKernelFile(text) === null) return placed;
    const name = nameKernel(text);
    if ((files.get(name) ?? text) !== text) {
      const message = `two kernel files are called ${name.slice(2)}`;
      problems.push({
        code: 'MATRIX_BAD_VALUE',
        message,
        ...source.placeOf(at),
        hint: 'give each a `label`',
      });
      return text;
    }
    files.set(name, text);
    return name;
  };
  const nameKernels = (value: unknown, at: Path): unknown =>
    Array.isArray(value) ? value.map((one, index) => nameFile(one, [...at, index])) : nameFile(value, at);
  const walk = (value: unknown, at: Path): unknown => {
    if (Array.isArray(value)) return value.map((one, index) => walk(one, [...at, index]));
    if (!isMap(value)) return value;
    const entries = Object.entries(value).map(([key, part]) => {
      const below = [...at, key];
      return [
        key,
        key === 'kernel' ? nameKernels(part, below) : foreign.includes(key) ? part : walk(part, below),
      ];
    });
    return Object.fromEntries(entries) as unknown;
  };
  return { source: changeValue(source, walk(source.value, []), new WeakMap()), files, problems };
}
