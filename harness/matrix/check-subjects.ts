/** Refuses subjects of a matrix before anything is fetched: files that are not there, tiers that no pattern tells. */
import { existsSync } from 'node:fs';
import { hostSubject } from '../axes/host.ts';
import { atLeast, tiers } from '../../images/allocator/tier.ts';
import { printable, type Problem, quote } from './diagnostics.ts';
import { findProgram, isInGuest, readInterpreter } from './interpreter.ts';
import type { MatrixFile } from './matrix-schema.ts';
import type { Path, Source } from './source.ts';
import { packagePattern, type Subject } from './subject.ts';
import { isSubjectForm } from './subject-resolve.ts';

type Subjects = ReadonlyMap<string, Subject>;

/** As guests of any architecture have them. */
const onAll = (subjects: Subjects): readonly Subject[] =>
  [...subjects.values()].flatMap((subject) => [subject, ...Object.values(subject.elsewhere ?? {})]);

/** A problem for each file of this computer that a subject needs and that is not there. */
export function findAbsentFiles(form: MatrixFile, subjects: Subjects, source: Source): readonly Problem[] {
  const found = onAll(subjects).flatMap(({ name, files }) =>
    files
      .filter(({ from }) => !packagePattern.test(from) && !existsSync(from))
      .map(({ from }): Problem => {
        const message = `a file of the subject ${quote(name)} is not there`;
        const place = source.placeOf(placeOfSubject(form, name));
        return { code: 'MATRIX_BAD_VALUE', message, ...place, hint: printable(from) };
      }),
  );
  return withoutRepeats(found);
}

/** What architectures have in common is a problem once. */
const withoutRepeats = (problems: readonly Problem[]): readonly Problem[] => [
  ...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values(),
];

/** A problem for each program of this computer whose interpreter no guest has: it could not even start. */
export function findAbsentInterpreters(
  form: MatrixFile,
  subjects: Subjects,
  source: Source,
): readonly Problem[] {
  const found = onAll(subjects).flatMap((subject): Problem[] => {
    const program = findProgram(subject);
    const interpreter = program === null ? null : readInterpreter(program);
    if (interpreter === null || isInGuest(interpreter)) return [];
    const message = `the program of the subject ${quote(subject.name)} needs ${quote(interpreter)}, which no guest has`;
    const hint = interpreter.endsWith('/env')
      ? 'name the interpreter in `run`, e.g. run: [{node}, {files}/server.js], or use #!/bin/sh'
      : 'link it statically or against glibc, use #!/bin/sh, or bring the interpreter as a file of the subject';
    return [
      { code: 'MATRIX_BAD_VALUE', message, ...source.placeOf(placeOfSubject(form, subject.name)), hint },
    ];
  });
  return withoutRepeats(found);
}

/** Where a subject is defined or, in another file, named. */
function placeOfSubject({ subject, subjects = {}, axes }: MatrixFile, name: string): Path {
  for (const [key, own] of Object.entries(subjects))
    if ((own.name ?? key) === name) return ['subjects', key, ...(own.files === undefined ? [] : ['files'])];
  if (subject !== undefined)
    return ['subject', ...(isSubjectForm(subject) && subject.files !== undefined ? ['files'] : [])];
  return axes != null && 'subject' in axes ? ['axes', 'subject'] : [];
}

/** A problem for each rule that demands a tier of subjects without a pattern for it: no cell could ever reach it. */
export function findUntoldTiers({ expect }: MatrixFile, subjects: Subjects, source: Source): Problem[] {
  return (expect ?? []).flatMap(({ where, tier, atLeast: least }, index): Problem[] => {
    const named = [where['subject']].flat().filter((one) => typeof one === 'string' && one !== hostSubject);
    const wanted: readonly string[] =
      least === undefined ? (tier === undefined ? [] : [tier]) : tiers.filter((one) => atLeast(one, least));
    const [first] = wanted;
    if (first === undefined) return [];
    const untold = named
      .flatMap((name) => subjects.get(String(name)) ?? [])
      .find((subject) => subject.words.every(({ word }) => !wanted.includes(word)));
    if (untold === undefined) return [];
    const message = `the subject ${quote(untold.name)} has no pattern for ${wanted.join(' or ')}: its cells can never say so`;
    const hint = `add it to the subject: tiers: { ${first}: '^a line it writes' }`;
    return [{ code: 'MATRIX_BAD_VALUE', message, ...source.placeOf(['expect', index, 'tier']), hint }];
  });
}
