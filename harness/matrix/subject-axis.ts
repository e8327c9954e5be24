/** Row of the axis table: what runs in the guest. */
import { z } from 'zod';
import type { Axis } from './axis.ts';
import { nearest } from '../axes/nearest-word.ts';
import { hostSubject, subjectNamePattern } from './subject.ts';

export const subjectAxis: Axis<string> = {
  name: 'subject',
  description: 'What runs: the wasm host, or a subject of the matrix or of matrices/subjects/',
  unit: null,
  expects: `${hostSubject}, or the name of a subject`,
  schema: z.string().regex(subjectNamePattern),
  format: String,
  suggest: (input) => nearest(String(input), [hostSubject]),
  examples: [hostSubject, 'node-fetch'],
  applies: 'process',
  default: hostSubject,
  core: false,
  provenBy: [],
  alsoCalled: ['program', 'command', 'host', 'workload'],
};
