/** Which keys a map of a matrix may have, by its place. */
import { caseExpectKeys, caseKeys, goneKeys } from './case-schema.ts';
import { measureKeys } from './measure.ts';
import type { Path } from './source.ts';
import { readyKeys, subjectKeys } from './subject-schema.ts';

const formKeys = [
  'title',
  'axes',
  'exclude',
  'include',
  'expect',
  'repeat',
  'measure',
  'subject',
  'subjects',
  'cases',
];
const ruleKeys = ['where', 'tier', 'outcome', 'error', 'overhead', 'because', 'link'];

/** The path inside the subject that a place belongs to; null outside. */
function pathInSubject(path: Path): Path | null {
  if (path[0] === 'subjects') return path.length > 1 ? path.slice(2) : null;
  const at = path.indexOf('subject');
  if (at < 0) return null;
  const rest = path.slice(at + 1);
  return typeof rest[0] === 'number' ? rest.slice(1) : rest;
}

export const isInSubject = (path: Path): boolean => pathInSubject(path) !== null;

/** Keys of the map at a place; null where axes are named. */
export function keysAt(path: Path): readonly string[] | null {
  if (path.length === 0) return formKeys;
  const inSubject = pathInSubject(path);
  if (inSubject !== null) return inSubject[0] === 'ready' ? readyKeys : subjectKeys;
  if (path[0] === 'cases') {
    if (path.length === 2) return caseKeys;
    if (path.at(-1) === 'expect') return caseExpectKeys;
    return path[2] === 'gone' && path.length === 4 ? goneKeys : null;
  }
  if (path[0] === 'expect' && path.length === 2) return ruleKeys;
  if (path[0] === 'measure' && path.length === 1) return measureKeys;
  return path.at(-1) === 'tier' ? ['at least', 'outcome'] : null;
}
