/** Files of kernels of one's own: their places are relative to the matrix that names them. */
import path from 'node:path';
import { changeValue, type Source } from './source.ts';

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Below these stand names of other things. */
const foreign: readonly string[] = ['env', 'subject', 'subjects'];

/** @param folder that of the matrix, as the user named it: paths stay as short as they were written */
export function withKernelPlaces(source: Source, folder: string): Source {
  const place = (file: unknown): unknown =>
    typeof file === 'string' && !path.isAbsolute(file) ? path.join(folder, file) : file;
  const placeKernel = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(placeKernel);
    if (!isMap(value)) return value;
    return {
      ...value,
      file: place(value['file']),
      ...('modules' in value && { modules: place(value['modules']) }),
    };
  };
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (!isMap(value)) return value;
    const entries = Object.entries(value).map(([key, part]) => [
      key,
      key === 'kernel' ? placeKernel(part) : foreign.includes(key) ? part : walk(part),
    ]);
    return Object.fromEntries(entries) as unknown;
  };
  return changeValue(source, walk(source.value), new WeakMap());
}
