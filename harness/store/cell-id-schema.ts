/**
 * Cell ids as stored files hold them, also as `<id>#<repetition>`: axes may have had another name when they were
 * written.
 */
import { z } from 'zod';
import { renewCellId } from '../matrix/cell-id.ts';

export const cellIdSchema = z
  .string()
  .min(1)
  .transform((id) => renewCellId(id));
