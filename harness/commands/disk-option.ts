/** `--disk name=path`: read-only disks of the user's own. */
import { findBadName, type OwnDisk } from '../../images/own-disk.ts';
import { PoolproofError } from '../errors.ts';

export type DiskOptions = Readonly<{ disk?: readonly string[] | undefined }>;

/** @throws PoolproofError USAGE */
export function readDiskOption({ disk: texts = [] }: DiskOptions): readonly OwnDisk[] {
  const disks = texts.map((text) => {
    const [, name = '', from = ''] = /^([^=]*)=(.+)$/s.exec(text) ?? [];
    if (from === '') throw refuse(text, 'name=path is needed, such as data=./folder');
    const why = findBadName(name);
    if (why !== null) throw refuse(text, why);
    return { name, from };
  });
  const names = disks.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw refuse(twice, 'two disks have this name');
  return disks;
}

const refuse = (text: string, why: string): PoolproofError =>
  new PoolproofError('USAGE', `--disk ${text}: ${why}`);
