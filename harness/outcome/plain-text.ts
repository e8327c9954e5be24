/** Of all stages; see ../plain-text.ts. */
export { plainLine, plainLines, plainTail } from '../plain-text.ts';
