/** The capture script as users get it: one file, with `redact.awk` inside. */
import { readFile } from 'node:fs/promises';

/** Beside the compiled files, as the build copies them, and beside the sources. */
const file = (name: string): URL => new URL(name, import.meta.url);

/** The line of capture.sh that reads redact.awk from the folder of the script. */
const include = /^redact=\$\(cat .*$/m;

/** @throws RangeError for a capture.sh that does not include redact.awk, or a redact.awk that no shell can quote */
export async function readCaptureScript(): Promise<string> {
  const [script, redact] = await Promise.all([
    readFile(file('capture.sh'), 'utf8'),
    readFile(file('redact.awk'), 'utf8'),
  ]);
  if (!include.test(script) || redact.includes("'")) throw new RangeError('redact.awk cannot be included');
  return script.replace(
    include,
    () => `# shellcheck disable=SC2016 # awk's own variables\nredact='\n${redact}'`,
  );
}
