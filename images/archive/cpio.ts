/** Writes cpio archives, the format of an initramfs. */

/** An entry of an initramfs; owners, times and inode numbers are fixed by the writer. */
export type CpioEntry = Readonly<
  { path: string } & (
    | { kind: 'folder'; mode: number }
    | { kind: 'file'; mode: number; data: Uint8Array }
    | { kind: 'link'; target: string }
    | { kind: 'device'; mode: number; major: number; minor: number }
  )
>;

/** File type bits of st_mode; a device here is always a character device. */
const typeBits = { folder: 0o040000, file: 0o100000, link: 0o120000, device: 0o020000 } as const;

/**
 * Writes a `newc` archive, the format of an initramfs (linux `Documentation/driver-api/early-userspace/
 * buffer-format.rst`). Entries are sorted by path, so folders come before their content. No root needed
 * for device nodes, and equal entries give equal bytes; padded to 512 so that another archive can follow.
 */
export function buildCpio(entries: readonly CpioEntry[]): Buffer {
  const sorted = [...entries].sort((a, b) => (a.path < b.path ? -1 : 1));
  const chunks = sorted.flatMap((entry, index) => {
    if (entry.path.startsWith('/') || entry.path.split('/').includes('..')) {
      throw new RangeError(`not a relative path: ${entry.path}`);
    }
    const data = entry.kind === 'file' ? entry.data : Buffer.from(entry.kind === 'link' ? entry.target : '');
    const permissions = entry.kind === 'link' ? 0o777 : entry.mode;
    const device = entry.kind === 'device' ? ([entry.major, entry.minor] as const) : ([0, 0] as const);
    return member(entry.path, index + 1, typeBits[entry.kind] | permissions, data, device);
  });
  const archive = Buffer.concat([...chunks, ...member('TRAILER!!!', 0, 0, Buffer.alloc(0), [0, 0])]);
  return Buffer.concat([archive, Buffer.alloc(padding(archive.length, 512))]);
}

function member(
  name: string,
  inode: number,
  mode: number,
  data: Uint8Array,
  [major, minor]: readonly [number, number],
): Uint8Array[] {
  const nameBytes = Buffer.from(`${name}\0`);
  // inode, mode, uid, gid, nlink, mtime, size, device (2), special device (2), name's size, checksum (unused)
  const fields = [inode, mode, 0, 0, 1, 0, data.length, 0, 0, major, minor, nameBytes.length, 0];
  const head = Buffer.from(`070701${fields.map((value) => value.toString(16).padStart(8, '0')).join('')}`);
  return [
    head,
    nameBytes,
    Buffer.alloc(padding(head.length + nameBytes.length, 4)),
    data,
    Buffer.alloc(padding(data.length, 4)),
  ];
}

const padding = (length: number, to: number): number => (to - (length % to)) % to;
