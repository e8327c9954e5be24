/** JSON Schemas of a matrix file and of a subject's own file, for editors. */
import { z } from 'zod';
import { axes, type AxisTable, rowsOf } from '../axes/table.ts';
import { schemaOf } from './matrix-schema.ts';
import { subjectForm } from './subject-schema.ts';

/** Draft 7: what yaml-language-server and most editors read. Ends with a line break. */
export function renderSchema(table: AxisTable = axes): string {
  const schema = z.toJSONSchema(schemaOf(table), { target: 'draft-7', io: 'input' });
  const definitions = schema.definitions as Record<string, Record<string, unknown>>;
  for (const { name, examples } of rowsOf(table)) {
    // Editors offer these when one completes a value.
    const definition = definitions[name];
    if (definition !== undefined) definition['examples'] = [...examples];
  }
  return `${JSON.stringify({ title: 'poolproof matrix', ...schema }, null, 2)}\n`;
}

/** Schema of a file of matrices/subjects/, or of one of the user's own. */
export function renderSubjectSchema(): string {
  const schema = z.toJSONSchema(subjectForm, { target: 'draft-7', io: 'input' });
  return `${JSON.stringify({ title: 'poolproof subject', ...schema }, null, 2)}\n`;
}
