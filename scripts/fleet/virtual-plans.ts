/** Boot plans of as many cells as a simulation needs: real cells of real matrices, and images that are not there. */
import { fakeImages } from '../../harness/fixtures/fake-prepared.ts';
import { parseMatrix } from '../../harness/matrix/load.ts';
import { type BootPlan, planBoots } from '../../harness/run/boot-plan.ts';

export const virtualKernels = ['bookworm', 'trixie', 'bullseye', 'noble'] as const;

/** A matrix may have 100,000: more are those of several runs. */
const bootsPerMatrix = 20;

/** @param cells about so many: a multiple of those that share a boot */
export function listPlans(cells: number, cellsPerBoot: number): readonly BootPlan[] {
  const images = new Map(virtualKernels.map((kernel) => [kernel, fakeImages]));
  const env = Array.from({ length: cellsPerBoot }, (_, n) => `{N: "${n}"}`).join(', ');
  const boots = Math.ceil(cells / cellsPerBoot);
  const plans: BootPlan[] = [];
  for (let from = 0; from < boots; from += bootsPerMatrix) {
    const kernel = virtualKernels[(from / bootsPerMatrix) % virtualKernels.length] ?? 'bookworm';
    const sizes = Array.from(
      { length: Math.min(bootsPerMatrix, boots - from) },
      (_, n) => `${512 + from + n}M`,
    );
    const text = `axes: {kernel: [${kernel}], memory: [${sizes.join(', ')}], env: [${env}]}\n`;
    plans.push(...planBoots(parseMatrix(text, 'm.yaml').cells(), images, false));
  }
  return plans;
}
