/** Subjects of a matrix: names, files and maps → definitions, and every place that names one → its name. */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { hostNames } from '../../images/allocator/hosts.ts';
import { project } from '../../images/paths.ts';
import type { AxisTable } from '../axes/table.ts';
import type { MatrixFile } from './matrix-schema.ts';
import type { Selector } from './selector.ts';
import { describeIssues, resolveIssues } from './zod-diagnostics.ts';
import { nearest } from '../axes/nearest-word.ts';
import { MatrixErrors, printable, quote } from './diagnostics.ts';
import type { Problem } from './diagnostics.ts';
import { parseSource } from './source.ts';
import type { Path, Source } from './source.ts';
import { mapFiles, namesVersion, versionWord } from './subject-files.ts';
import { buildSubjectOf, joinForms, subjectForm } from './subject-schema.ts';
import type { SubjectForm } from './subject-schema.ts';
import { hostSubject, subjectNamePattern } from '../axes/host.ts';
import { optionsWord, type Subject } from './subject.ts';

/** Larger files are refused unread. */
const maxSubjectBytes = 64 * 1024;

/** Longest chain of subjects that are `like` another one. */
const maxLike = 5;

export type ResolvedSubjects = Readonly<{
  /** The form with a name wherever a subject stood. */
  form: MatrixFile;
  subjects: ReadonlyMap<string, Subject>;
  problems: readonly Problem[];
}>;

/** Why one cannot be had, and what to do. */
class Unresolved extends Error {
  readonly hint: string;
  readonly suggestion: string | null;
  constructor(message: string, hint: string, suggestion: string | null = null) {
    super(message);
    this.hint = hint;
    this.suggestion = suggestion;
  }
}

const isPath = (text: string): boolean => text.includes('/') || /\.ya?ml$/.test(text);

export const isSubjectForm = (value: unknown): value is SubjectForm =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Folder of the subjects that are part of poolproof. */
const shippedFile = (name: string): string => path.join(project.subjectsFolder, `${name}.yaml`);

function readText(file: string): string | null {
  try {
    const found = statSync(file);
    // Reading a pipe could take for ever.
    if (!found.isFile() || found.size > maxSubjectBytes) return null;
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

/** A definition, relative to a folder. */
type Placed = Readonly<{ form: SubjectForm; folder: string; name: string }>;

/** @throws MatrixErrors with the places in the subject's own file */
function readForm(file: string, table: AxisTable): Placed | null {
  const text = readText(file);
  if (text === null) return null;
  const source = parseSource(text);
  const shown = printable(path.relative(process.cwd(), file));
  if (source.value === undefined) throw new MatrixErrors(shown, text, source.problems);
  const parsed = subjectForm.safeParse(source.value);
  if (!parsed.success) {
    const issues = resolveIssues(parsed.error.issues);
    throw new MatrixErrors(shown, text, describeIssues(issues, source, table, ['subject']));
  }
  if (source.problems.length > 0) throw new MatrixErrors(shown, text, source.problems);
  return { form: parsed.data, folder: path.dirname(file), name: path.basename(file).replace(/\.ya?ml$/, '') };
}

/** A name for a definition that has none: its program's. */
function deriveName({ run = [], like }: SubjectForm): string {
  const word =
    run.find((one) => !/^(?:-.*|(?:.*\/)?(?:node|sh|env|busybox)|\{node\})$/.test(one)) ??
    run[0] ??
    like ??
    '';
  const slug = path
    .basename(word)
    .replace(/\.[A-Za-z]+$/, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '');
  return slug === '' ? 'subject' : slug.slice(0, 40);
}

class Resolver {
  readonly subjects = new Map<string, Subject>();
  readonly #own: ReadonlyMap<string, SubjectForm>;
  readonly #folder: string;
  readonly #table: AxisTable;

  constructor(own: ReadonlyMap<string, SubjectForm>, folder: string, table: AxisTable) {
    this.#own = own;
    this.#folder = folder;
    this.#table = table;
  }

  /** @returns the name; the definition is in `subjects` then. @throws Unresolved, MatrixErrors */
  take(value: unknown, fallback: string | null = null): string {
    if (value === hostSubject) return hostSubject;
    const placed =
      typeof value === 'string'
        ? this.#find(value, this.#folder)
        : isSubjectForm(value)
          ? { form: value, folder: this.#folder, name: fallback ?? deriveName(value) }
          : null;
    if (placed === null)
      throw new Unresolved(`${quote(value)} is no subject`, 'a name, a file, or a map with `run`');
    const whole = this.#complete(placed, 0);
    const { run } = whole;
    if (run === undefined) throw new Unresolved('the subject has no `run`', 'run: [program, argument]');
    if (run.includes(optionsWord) && whole.host === undefined)
      throw new Unresolved(
        `\`${optionsWord}\` stands for nothing without a \`host\``,
        `host: one of ${hostNames.join(', ')}`,
      );
    const subject = buildSubjectOf({ ...whole, run }, placed.name, placed.folder);
    if (subject.files.some(({ from }) => from.includes(versionWord)))
      throw new Unresolved('its files name {version}, and it has none', 'version: "49.0.4"');
    if (subject.name === hostSubject || !subjectNamePattern.test(subject.name))
      throw new Unresolved(
        `${quote(subject.name)} is no name of a subject`,
        'give it a `name`: small letters, digits and -',
      );
    if (subject.ready.kind === 'exit' && subject.words.some(({ mapped }) => mapped !== undefined))
      throw new Unresolved(
        'a mapping is seen while the program runs, and `ready` waits for its end',
        'ready: {line: …}, {port: …} or {http: …}',
      );
    const known = this.subjects.get(subject.name);
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(subject))
      throw new Unresolved(`two subjects are called ${quote(subject.name)}`, 'give one of them a `name`');
    this.subjects.set(subject.name, subject);
    return subject.name;
  }

  #find(text: string, folder: string): Placed {
    if (isPath(text)) {
      const file = path.resolve(folder, text);
      return (
        readForm(file, this.#table) ??
        fail(
          `the subject file ${quote(text)} cannot be read`,
          `paths are relative to ${printable(folder)}, at most 64 KiB are read`,
        )
      );
    }
    const [name = '', version] = text.split('@');
    if (version !== undefined) {
      const { form, folder: of } = this.#find(name, folder);
      const versioned = { ...this.#complete({ form, folder: of, name }, 0), version };
      if (!Object.values(mapFiles(versioned.files ?? {}, of)).some(namesVersion))
        fail(`the subject ${quote(name)} has no versions`, 'its files name a package with {version}');
      return { form: { ...versioned, name: text }, folder: of, name: text };
    }
    const own = this.#own.get(text);
    if (own !== undefined) return { form: own, folder: this.#folder, name: text };
    const shipped = subjectNamePattern.test(text) ? readForm(shippedFile(text), this.#table) : null;
    return (
      shipped ??
      fail(`there is no subject ${quote(text)}`, this.#known(), nearest(text, [...this.#own.keys()]))
    );
  }

  #known(): string {
    const names = [...this.#own.keys()];
    const here = names.length === 0 ? 'this file has no `subjects`' : `this file has ${names.join(', ')}`;
    return `${here}; those that come with poolproof are in matrices/subjects/`;
  }

  #complete({ form, folder }: Placed, depth: number): SubjectForm {
    if (form.like === undefined)
      return { ...form, ...(form.files !== undefined && joinForms({}, form, folder)) };
    if (depth >= maxLike)
      throw new Unresolved('`like` leads in a circle', 'a subject is like one that has `run`');
    const base = this.#find(form.like, folder);
    const { name: _, ...rest } = this.#complete(base, depth + 1);
    return { ...joinForms(rest, form, folder), name: form.name };
  }
}

function fail(message: string, hint: string, suggestion: string | null = null): never {
  throw new Unresolved(message, hint, suggestion);
}

/** A selector with names; `undefined` stays where the axis is not named. */
type Take = (value: unknown, place: Path) => string;

function nameIn(selector: Selector, base: Path, take: Take): Selector {
  const given = selector['subject'];
  if (given === undefined) return selector;
  const subject = Array.isArray(given)
    ? given.map((value: unknown, index) => take(value, [...base, 'subject', index]))
    : take(given, [...base, 'subject']);
  return { ...selector, subject };
}

/** The name, or why there is none. @throws MatrixErrors */
function tryTake(resolver: Resolver, value: unknown, fallback: string | null): string | Unresolved {
  try {
    return resolver.take(value, fallback);
  } catch (error) {
    if (error instanceof Unresolved) return error;
    throw error;
  }
}

/**
 * Looks up every subject of a matrix. `folder` is where relative paths begin: that of the matrix file.
 * @throws MatrixErrors when a file of a subject is wrong, with the places in that file
 */
export function resolveSubjects(
  form: MatrixFile,
  source: Source,
  folder: string,
  table: AxisTable,
): ResolvedSubjects {
  const problems: Problem[] = [];
  const own = new Map(Object.entries(form.subjects ?? {}));
  const resolver = new Resolver(own, folder, table);
  const takeNamed = (value: unknown, place: Path, fallback: string | null): string => {
    const taken = tryTake(resolver, value, fallback);
    if (typeof taken === 'string') return taken;
    const { message, hint, suggestion } = taken;
    const more = suggestion === null ? {} : { suggestion };
    problems.push({ code: 'MATRIX_BAD_VALUE', message, ...source.placeOf(place), hint, ...more });
    // A name of its own: two that are wrong are not the same one twice.
    return `unresolved-${problems.length}`;
  };
  const take: Take = (value, place) => takeNamed(value, place, null);
  for (const [name, value] of own)
    takeNamed({ ...value, name: value.name ?? name }, ['subjects', name], name);
  const common = form.subject === undefined ? null : takeNamed(form.subject, ['subject'], null);
  const withCommon = (selector: Selector): Selector =>
    common === null || selector['subject'] !== undefined ? selector : { ...selector, subject: common };
  const onlyNames = (selector: Selector, base: Path): Selector =>
    nameIn(selector, base, (value, place) => {
      if (typeof value === 'string' && !isPath(value)) return value;
      const message = 'a rule names a subject by its name';
      problems.push({ code: 'MATRIX_BAD_VALUE', message, ...source.placeOf(place) });
      return hostSubject;
    });
  const axes =
    form.axes == null || Object.keys(form.axes).length === 0
      ? form.axes
      : withCommon(nameIn(form.axes, ['axes'], take));
  const cases = form.cases?.map((one, index) => {
    const settings = nameIn(one.settings ?? {}, ['cases', index, 'settings'], take);
    const named =
      one.subject === undefined
        ? settings
        : { ...settings, subject: take(one.subject, ['cases', index, 'subject']) };
    return { ...one, settings: withCommon(named) };
  });
  return {
    subjects: resolver.subjects,
    problems,
    form: {
      ...form,
      axes,
      include: form.include?.map((row, index) => withCommon(nameIn(row, ['include', index], take))),
      exclude: form.exclude?.map((row, index) => onlyNames(row, ['exclude', index])),
      expect: form.expect?.map((rule, index) => ({
        ...rule,
        where: onlyNames(rule.where, ['expect', index, 'where']),
      })),
      cases,
    },
  };
}

/**
 * A subject by the name it has in a cell id: one of those that come with poolproof.
 * @returns null when it is none of them
 */
export function findShippedSubject(name: string, table: AxisTable): Subject | null {
  const resolver = new Resolver(new Map(), project.subjectsFolder, table);
  tryTake(resolver, name, null);
  return resolver.subjects.get(name) ?? null;
}
