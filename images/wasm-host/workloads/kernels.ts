/** Starts the kernels: small modules written for this measurement. */
import type { Instance, Start } from './instance.ts';

/** Instances alive at once in `round-robin`. */
export const roundRobinInstances = 8;
/** Steps of one call in `round-robin`: a microsecond or two, a short request. */
export const roundRobinSteps = 1000;

const single =
  (module: string, setup: number): Start =>
  ({ load }) => {
    const instance = load(module).instantiate();
    instance.call('setup', setup);
    return { run: (length) => instance.call('run', length), drop: instance.drop };
  };

const startRoundRobin: Start = ({ load }) => {
  const module = load('round-robin');
  const instances: Instance[] = [];
  for (let seed = 0; seed < roundRobinInstances; seed += 1) {
    const instance = module.instantiate();
    instance.call('setup', seed);
    instances.push(instance);
  }
  return {
    run: (length) => {
      let sum = 0;
      for (let round = 0; round < length; round += 1) {
        for (const instance of instances) sum = (sum + instance.call('run', roundRobinSteps)) | 0;
      }
      return sum;
    },
    drop: () => {
      for (const instance of instances) instance.drop();
    },
  };
};

/** By workload name. The number is what `setup` is given: a seed, or the bytes of a pointer chase. */
export const kernels: Readonly<Record<string, Start>> = {
  'register-loop': single('register-loop', 0),
  'random-access': single('random-access', 7),
  'sequential-load': single('sequential-load', 7),
  'sequential-store': single('sequential-store', 7),
  'pointer-chase-in-cache': single('pointer-chase', 16 * 1024),
  'pointer-chase-out-of-cache': single('pointer-chase', 32 * 1024 * 1024),
  'bulk-memory': single('bulk-memory', 7),
  'round-robin': startRoundRobin,
};
