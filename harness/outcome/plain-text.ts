/** Re-exports ../plain-text.ts, which all stages use. */
export { plainLine, plainLines, plainTail } from '../plain-text.ts';
