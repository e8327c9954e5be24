/** The kind of a kernel: the name of a row, or files of this computer. */
import { z } from 'zod';
import { formatKernelFile, kernelFilePattern } from '../../images/kernel-file.ts';
import { type AxisKind, literals, name } from './kinds.ts';

const fileError = 'letters, digits and _ - . + ~ / in the names of files, and no / in `label`';

const fileForm = z
  .strictObject({
    file: z.string().min(1).meta({ description: 'A bzImage, from the folder of the matrix' }),
    modules: z
      .string()
      .min(1)
      .nullable()
      .default(null)
      .meta({ description: 'Folder of its modules; null where all it needs is built in' }),
    label: z.string().nullable().default(null).meta({ description: 'Its name in reports' }),
  })
  .transform((kernel, context) => {
    const text = formatKernelFile(kernel);
    if (text !== null) return text;
    context.addIssue({ code: 'custom', message: `a kernel file has ${fileError}` });
    return z.NEVER;
  });

/** @param rows names of kernels */
export function kernelName(rows: readonly string[]): AxisKind<string> {
  const row = name(rows, "noble and jammy are Ubuntu's, untried");
  return {
    ...row,
    expects: `${row.expects}, or a file: {file: bzImage, modules: folder or null, label: text}, ./bzImage:./modules`,
    schema: z.union([literals(rows), z.string().regex(kernelFilePattern, { abort: true }), fileForm]),
  };
}
