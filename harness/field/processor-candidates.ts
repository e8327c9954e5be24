/** Processors that have the instructions a subject lacks: the flags alone, and the smallest model with them. */
import { formatCpu, parseCpu } from '../axes/cpu-kind.ts';
import type { Settings } from '../axes/table.ts';
import type { Candidate } from './candidate.ts';
import { lackingFlags, neededFlags } from './subject-model.ts';

/** Oldest model of QEMU with SSE4.2 and POPCNT, and what managers of virtual machines call such a processor. */
const smallestModel = 'Nehalem';
const managers =
  'Proxmox: CPU type x86-64-v2 or host; libvirt: <model>Nehalem</model> or host-passthrough; VirtualBox: VBoxManage modifyvm <name> --cpu-profile host, on a host that has them';

/** Flags that the model has anyway are no part of its text. */
function canonical(text: string): string {
  const parsed = parseCpu(text);
  return parsed === null ? text : formatCpu(parsed);
}

export function listProcessors(settings: Settings): readonly Candidate[] {
  const lacking = lackingFlags(settings.cpu, neededFlags[settings.subject] ?? []);
  const parsed = settings.cpu === null ? null : parseCpu(settings.cpu);
  if (lacking.length === 0 || parsed === null) return [];
  const flags = { ...parsed.flags, ...Object.fromEntries(lacking.map((flag) => [flag, true])) };
  const base = { kind: 'processor' as const, cost: 'another (virtual) processor', also: managers };
  return [
    {
      ...base,
      change: `a processor with ${lacking.join(' and ')} (QEMU: -cpu ...,${lacking.map((flag) => `+${flag}`).join(',')})`,
      settings: { ...settings, cpu: canonical(formatCpu({ ...parsed, flags })) },
    },
    {
      ...base,
      change: `QEMU: -cpu ${smallestModel}`,
      settings: { ...settings, cpu: smallestModel },
    },
  ];
}
