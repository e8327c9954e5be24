/** The rule for the architecture of a machine. */
import { architectures, defaultArchitecture, type Architecture } from '../../images/architectures.ts';
import { findKernelRow, hasNode, kernels, nodesOf } from '../../images/definitions.ts';
import type { Settings } from '../axes/table.ts';
import { findSubject } from '../outcome/predict-cell.ts';
import { findForeignPackage } from '../plan/check-architecture.ts';
import { axisOf, say, type Rule } from './mapping.ts';
import type { FieldReport } from './report.ts';
import { versionOf } from './runtime.ts';

/** Others of 64 bits: pools have the same sizes there. */
const wideMachines: readonly (string | null)[] = ['loongarch64', 'ppc64le', 's390x'];

/** The row of a report's machine; undefined where no guest is one. */
export const architectureOfReport = ({ kernel }: FieldReport): Architecture | undefined =>
  architectures.find(({ kernelName }) => kernelName === kernel.architecture);

const fact = 'kernel.architecture';

/** What the report ran and guests of its architecture cannot have; null where they have it. */
function findLacking({ programs }: FieldReport, row: Architecture, { engine }: Settings): string | null {
  if (row.wheel === null && engine !== 'v8') return 'build of libwasmtime';
  const node = versionOf(programs.node);
  const line = node?.split('.')[0] ?? null;
  return line === null || row.npm !== null || nodesOf(row).includes(line) ? null : `Node ${node}`;
}

/** Kernel and Node that an architecture has, in the place of defaults that it does not have. */
function nearestOf(row: Architecture, { kernel, node }: Settings): Partial<Settings> {
  const first = kernels.find(({ metaPackages }) => metaPackages[row.name] !== undefined)?.name;
  const hasKernel = findKernelRow(kernel)?.metaPackages[row.name] !== undefined;
  return {
    ...(!hasKernel && first !== undefined && { kernel: first }),
    ...(!hasNode(node, row) && { node: nodesOf(row)[0] ?? node }),
  };
}

/** That of the report, where there are guests of it that can run the subject. */
export const mapArchitecture: Rule = (report, so) => {
  const found = report.kernel.architecture;
  const here = defaultArchitecture.name;
  const row = architectureOfReport(report);
  if (row === undefined) {
    const isWide = wideMachines.includes(found);
    const why = isWide
      ? `the guest is ${here}; pools have the same sizes on 64-bit machines`
      : `the guest is ${here}, and this is no 64-bit machine that is known`;
    const how = isWide ? 'approximated' : 'not reproducible';
    return { say: [say(fact, found, how, { why, standIn: isWide, decides: true })] };
  }
  const subject = findSubject({ ...so, arch: row.name });
  const foreign = subject === null ? null : findForeignPackage(subject, row.name);
  if (foreign !== null) {
    const why = `the guest is ${here}, as is ${foreign}; pools have the same sizes on 64-bit machines`;
    return { say: [say(fact, found, 'approximated', { why, standIn: true, decides: true })] };
  }
  const lacking = findLacking(report, row, so);
  if (lacking !== null) {
    const why = `the guest is ${here}: there is no ${lacking} for ${row.name}; pools have the same sizes there`;
    return { say: [say(fact, found, 'approximated', { why, standIn: true, decides: true })] };
  }
  const set = { arch: row.name, ...nearestOf(row, so) };
  const met = row.name === here ? {} : axisOf('arch', { ...so, ...set });
  return { set, say: [say(fact, found, 'exact', { ...met, decides: true })] };
};
