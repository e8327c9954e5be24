/** Kernels of one's own: values of the axis `kernel` that name files of this computer instead of a row. */

export type KernelFile = Readonly<{
  /** The name reports show; null for the file's own. */
  label: string | null;
  /** A bzImage, as the user named it. */
  file: string;
  /** Folder of its modules, as `make modules_install` or a package leaves it; null where all it needs is built in. */
  modules: string | null;
}>;

const part = String.raw`[\w.+~-]*(?:/[\w.+~-]+)+`;
/** Of the text of a kernel file. */
export const kernelFilePattern = new RegExp(String.raw`^(?:([\w.-]{1,40}):)?(${part})(?::(${part}))?$`);

/** `./bzImage`, `./bzImage:./modules`, `mine:./bzImage:./modules`; null for the name of a row. */
export function parseKernelFile(text: string): KernelFile | null {
  const [, label = null, file, modules = null] = kernelFilePattern.exec(text) ?? [];
  return file === undefined ? null : { label, file, modules };
}

/** A file beside the caller needs a slash to be told from a row. */
const withSlash = (file: string): string => (file.includes('/') ? file : `./${file}`);

/** Inverse of {@link parseKernelFile}; null where a name has characters that no cell id can hold. */
export function formatKernelFile({ label, file, modules }: KernelFile): string | null {
  const places = [withSlash(file), ...(modules === null ? [] : [withSlash(modules).replace(/\/$/, '')])];
  const text = [...(label === null ? [] : [label]), ...places].join(':');
  // A label with a slash would be read as a file.
  return parseKernelFile(text)?.label === label ? text : null;
}

/** What reports show. */
export function labelKernel(text: string): string {
  const found = parseKernelFile(text);
  return found === null ? text : (found.label ?? found.file.replace(/^.*\//, ''));
}

/** The same kernel without its place: `./mine`. The name of a row stays. */
export const nameKernel = (text: string): string =>
  parseKernelFile(text) === null ? text : `./${labelKernel(text)}`;
