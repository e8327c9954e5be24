/** Estimates the facts of a guest that has not booted: for `plan`, never for a verdict. */
import type { Facts } from '../../images/allocator/facts.ts';
import { estimateSettings } from '../axes/guest-settings.ts';
import { axes, type AxisTable, type Settings } from '../axes/table.ts';

const mib = 1024 * 1024;

/** Facts that no axis decides. */
const common: Facts = {
  kernelRelease: null,
  architecture: null,
  memTotal: null,
  memAvailable: null,
  swapTotal: null,
  commitLimit: null,
  // The session and what it started for the run.
  committedAs: 5 * mib,
  overcommitMemory: null,
  overcommitRatio: null,
  overcommitKbytes: null,
  userReserve: null,
  adminReserve: null,
  hugePages: null,
  maxMapCount: null,
  thp: null,
  addressSpaceLimit: null,
  dataLimit: null,
  stackLimit: null,
  cgroupMemoryMax: null,
  mdwe: null,
  addressBits: 47,
  pageSize: 4096,
  cpus: null,
  cpuModel: null,
  cpuFlags: [],
  virtualised: true,
  emulated: true,
  sysAdmin: true,
};

/** Facts of the process that becomes the wasm host, as its settings make them. */
export function estimateFacts(settings: Settings, table: AxisTable = axes): Facts {
  return { ...common, ...estimateSettings(settings, table) };
}
