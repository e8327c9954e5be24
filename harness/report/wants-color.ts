/** Colour on a terminal, unless NO_COLOR is set; FORCE_COLOR turns it on anywhere. See no-color.org. */
export function wantsColor(
  stream: Readonly<{ isTTY?: boolean | undefined }>,
  env: Readonly<Record<string, string | undefined>> = process.env,
): boolean {
  const { NO_COLOR: off = '', FORCE_COLOR: force, TERM: term } = env;
  if (off !== '') return false;
  if (force !== undefined) return force !== '0' && force !== 'false';
  return stream.isTTY === true && term !== 'dumb';
}
