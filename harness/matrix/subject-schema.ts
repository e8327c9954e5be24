/** The form of a subject in a matrix, a case or a file of its own, and what it becomes. */
import { z } from 'zod';
import { defaultArchitecture, type ArchitectureName } from '../../images/architectures.ts';
import { hostNames } from '../../images/allocator/hosts.ts';
import { tiers } from '../../images/allocator/tier.ts';
import { mappedForm, type Mapped } from './mapped.ts';
import type { Ready, Subject, SubjectWord } from './subject.ts';
import { findPatternProblem, programSize } from './pattern.ts';
import { line, refuse, whole } from './schema-parts.ts';
import { filesForm, listFiles, listOthers, mapFiles, pinForm, version } from './subject-files.ts';
import { optionsWord, toExtended } from './subject.ts';
import { subjectNamePattern } from '../axes/host.ts';

/** A pattern of a line, or bounds on the largest mapping. */
type Sign = string | Mapped;

const maxWords = 100;

/**
 * Instructions of all patterns of a subject together: each line of its output meets all of them. At the
 * worst rate measured (see `pattern.ts`: 7.7 µs a character for 1,006 instructions), 256 KiB made for it take 10 s.
 */
const maxPrograms = 5000;

/** A pattern of RE2, held against one line at a time. */
export const patternSchema: z.ZodType<string> = line(500, 'a pattern').superRefine((source, context) => {
  const problem = findPatternProblem(source);
  if (problem !== null) refuse(context, problem.message, problem.hint);
});

const lineForm = patternSchema.transform((pattern, context): Ready => {
  const extended = toExtended(pattern);
  if (extended !== null) return { kind: 'line', pattern, extended };
  refuse(
    context,
    'the guest cannot look for this pattern',
    'a plain one: characters, . * + ? | ( ) [ ] {2,3} ^ $ \\d \\s \\w, no \\b, no (?i)',
  );
  return z.NEVER;
});

const portForm = whole(1, 65_535, 'a port from 1 to 65535');

const pathError = 'a path such as /index.html: it begins with / and has no blanks';

const httpForm = z.strictObject(
  {
    port: portForm,
    path: z
      .string({ error: pathError })
      .max(1000, { error: 'a path of at most 1000 characters' })
      .regex(/^\/[!-~]*$/, { error: pathError })
      .default('/'),
    status: whole(200, 599, 'a status of HTTP from 200 to 599').default(200),
    body: patternSchema.optional(),
    answers: whole(1, 600, 'a number of answers from 1 to 600').default(10),
  },
  { error: 'a map with `port`, and `path`, `status`, `body` or `answers`' },
);

const readyForm = z
  .strictObject(
    {
      line: lineForm.optional(),
      port: portForm.optional(),
      http: httpForm.optional(),
      exit: whole(0, 125, 'an exit code from 0 to 125').optional(),
    },
    { error: 'a map with `line`, `port`, `http` or `exit`' },
  )
  .transform(({ line, port, http, exit }, context): Ready => {
    const given: readonly Ready[] = [
      ...(line === undefined ? [] : [line]),
      ...(port === undefined ? [] : [{ kind: 'port', port } as const]),
      ...(http === undefined ? [] : [{ kind: 'http', ...http, body: http.body ?? null } as const]),
      ...(exit === undefined ? [] : [{ kind: 'exit', code: exit } as const]),
    ];
    const [only] = given;
    if (only !== undefined && given.length === 1) return only;
    refuse(
      context,
      '`ready` has one of `line`, `port`, `http` and `exit`',
      'for example ready: { line: "listening on" }',
    );
    return z.NEVER;
  });

const argument = z
  .union([line(2000), z.number().transform(String)], { error: 'a text' })
  .superRefine((word, context) => {
    const unknown = /\{(?!node\}|engine\}|files\})([a-z]+)\}/.exec(word);
    if (unknown === null || word === optionsWord) return;
    if (unknown[0] === optionsWord) {
      refuse(
        context,
        `\`${optionsWord}\` is several words`,
        `a word of its own: [program, '${optionsWord}', file]`,
      );
      return;
    }
    refuse(
      context,
      `\`${unknown[0]}\` stands for nothing`,
      '{node}, {engine} and {files} stand for paths in the guest',
    );
  });

const durationError = 'a time such as 60s or 2m, from 1s to 30m';

const timeoutForm = z
  .string({ error: durationError })
  .regex(/^\d{1,4}(?:s|m)$/, { error: durationError })
  .transform((word, context) => {
    const seconds = parseInt(word, 10) * (word.endsWith('m') ? 60 : 1);
    if (seconds < 1 || seconds > 1800)
      context.addIssue({ code: 'custom', message: `\`${word}\` is not ${durationError}` });
    return seconds * 1000;
  });

const sumPrograms = (map: Readonly<Record<string, Sign | readonly Sign[]>>): number =>
  Object.values(map)
    .flatMap(patternsOf)
    .filter((source) => findPatternProblem(source) === null)
    .reduce((sum, source) => sum + programSize(source), 0);

const wordPattern = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, {
  error: `a tier (${tiers.join(', ')}) or a class of failure: small letters, digits and -`,
});

/** A subject written out. Whether it is whole is known when what it is `like` is there too. */
export const subjectForm = z.strictObject(
  {
    name: z
      .string({ error: 'a name: small letters, digits and -' })
      .regex(subjectNamePattern, { error: 'a name: small letters, digits and -' })
      .optional(),
    title: line(200).optional(),
    like: line(1000).optional(),
    host: z.enum(hostNames, { error: `a host that the model knows: ${hostNames.join(', ')}` }).optional(),
    version: version.optional(),
    pins: z.record(version, pinForm, { error: 'a map from versions to `sha256` and `says`' }).optional(),
    files: filesForm.optional(),
    run: z
      .array(argument, { error: 'a list: the program and its arguments' })
      .min(1, { error: 'a list of at least one word' })
      .max(200, { error: 'a list of at most 200 words' })
      .optional(),
    ready: readyForm.optional(),
    tiers: z
      .record(
        wordPattern,
        z.union(
          [
            patternSchema,
            mappedForm,
            z
              .array(z.union([patternSchema, mappedForm]))
              .min(1)
              .max(20),
          ],
          {
            error: 'a pattern, `{mapped: ">= 3.9T"}`, or a list of them',
          },
        ),
        {
          error: 'a map from tiers and classes of failure to patterns',
        },
      )
      .superRefine((map, context) => {
        for (const [word, signs] of Object.entries(map))
          if (boundsOf(signs).length > 0 && !(tiers as readonly string[]).includes(word))
            refuse(
              context,
              'a mapping is the sign of a tier, not of a failure',
              `a pattern, or one of ${tiers.join(', ')}`,
              [word],
            );
      })
      .refine((map) => Object.keys(map).length <= maxWords, { error: `a map of at most ${maxWords} words` })
      .refine((map) => sumPrograms(map) <= maxPrograms, { error: 'a map of fewer or shorter patterns' })
      .optional(),
    timeout: timeoutForm.optional(),
  },
  { error: 'a name, a file, or a map with `run`' },
);

const nameError = 'a name: small letters, digits and -';

/** A subject as it stands in the file. */
export type SubjectForm = z.infer<typeof subjectForm>;

/** Key of `subjects`. */
export const subjectName = z.string().regex(subjectNamePattern, { error: nameError });

/** A subject where it is named: by name, by file, or written out. */
export function defineSubject(): z.ZodType<string | SubjectForm> {
  return z.union([line(1000), subjectForm], { error: 'a name, a file, or a map with `run`' });
}

/** What two forms come to: what the second says counts, files are put together. */
export function joinForms(base: SubjectForm, own: SubjectForm, folder: string): SubjectForm {
  const files = { ...mapFiles(base.files ?? {}, folder), ...mapFiles(own.files ?? {}, folder) };
  return { ...base, ...own, files };
}

function patternsOf(signs: Sign | readonly Sign[]): string[] {
  return [signs].flat().filter((sign) => typeof sign === 'string');
}

function boundsOf(signs: Sign | readonly Sign[]): Mapped[] {
  return [signs].flat().filter((sign) => typeof sign !== 'string');
}

function buildWord([word, signs]: readonly [word: string, signs: Sign | readonly Sign[]]): SubjectWord {
  const [patterns, mapped] = [patternsOf(signs), boundsOf(signs)];
  return { word, patterns, ...(mapped.length > 0 && { mapped }) };
}

type Whole = SubjectForm & Readonly<{ run: readonly string[] }>;

/** A whole form → a subject. `name` where it has none of its own. */
export function buildSubjectOf(form: Whole, name: string, folder: string): Subject {
  const pin = form.version === undefined ? undefined : form.pins?.[form.version];
  const others = listOthers(mapFiles(form.files ?? {}, folder), pin);
  return {
    ...buildSubjectOn(defaultArchitecture.name, form, name, folder),
    ...(others.length > 0 && {
      elsewhere: Object.fromEntries(
        others.map((arch) => [arch, buildSubjectOn(arch, form, name, folder)] as const),
      ),
    }),
  };
}

function buildSubjectOn(arch: ArchitectureName, form: Whole, name: string, folder: string): Subject {
  const { version } = form;
  const pin = version === undefined ? undefined : form.pins?.[version];
  const files = listFiles(mapFiles(form.files ?? {}, folder), arch, { version, pin });
  const sha256 = files.find((file) => file.sha256 !== undefined)?.sha256;
  return {
    name: form.name ?? name,
    title: form.title ?? null,
    files,
    ...(form.host !== undefined && { host: form.host }),
    run: form.run,
    ...(pin !== undefined &&
      version !== undefined &&
      sha256 !== undefined && { program: { version, says: pin.says, sha256 } }),
    ready: form.ready ?? { kind: 'exit', code: 0 },
    words: Object.entries(form.tiers ?? {}).map(buildWord),
    timeoutMs: form.timeout ?? null,
  };
}
