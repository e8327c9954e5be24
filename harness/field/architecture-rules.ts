/** The rule for the architecture of a machine. */
import { architectures, defaultArchitecture, type Architecture } from '../../images/architectures.ts';
import { findSubject } from '../outcome/predict-cell.ts';
import { findForeignPackage } from '../plan/check-architecture.ts';
import { axisOf, say, type Rule } from './mapping.ts';
import type { FieldReport } from './report.ts';

/** Others of 64 bits: pools have the same sizes there. */
const wideMachines: readonly (string | null)[] = ['riscv64', 'loongarch64', 'ppc64le', 's390x'];

/** The row of a report's machine; undefined where no guest is one. */
export const architectureOfReport = ({ kernel }: FieldReport): Architecture | undefined =>
  architectures.find(({ kernelName }) => kernelName === kernel.architecture);

const fact = 'kernel.architecture';

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
  const set = { arch: row.name };
  const met = row.name === here ? {} : axisOf('arch', { ...so, ...set });
  return { set, say: [say(fact, found, 'exact', { ...met, decides: true })] };
};
