/** Whether this user has KVM, and how to get it, for `doctor`. */
import { readFile, stat } from 'node:fs/promises';
import { readKvmAccess } from '../machine/accelerator.ts';

const texts = {
  open: '/dev/kvm can be opened; a run tries it with a guest',
  absent: 'no /dev/kvm: guests are emulated',
} as const;

/** One line. `device`: another file, in tests. */
export async function describeKvm(device = '/dev/kvm'): Promise<string> {
  const found = await readKvmAccess(device);
  return found === 'refused' ? describeRefusal(device) : texts[found];
}

/** Who may open it, and how to become one of them. */
async function describeRefusal(device: string): Promise<string> {
  const words = `${device} is there, but this user may not open it: guests are emulated`;
  const [found, groups] = await Promise.all([
    stat(device).catch(() => null),
    readFile('/etc/group', 'utf8').catch(() => ''),
  ]);
  return found === null ? words : `${words}; ${nameWay(found, groups)}`;
}

/** @param groups text of /etc/group */
export function nameWay({ gid, mode }: Readonly<{ gid: number; mode: number }>, groups: string): string {
  const line = groups.split('\n').find((one) => one.split(':')[2] === String(gid));
  const name = line?.split(':')[0];
  return name === undefined || gid === 0 || (mode & 0o060) !== 0o060
    ? 'only root may give access to it'
    : `the group ${name} may: sudo usermod -aG ${name} "$USER", then log in again`;
}
