// MEMORIES times new WebAssembly.Memory, all kept; without the variable two: many limits are met by the second only.
// INITIAL and MAXIMUM are pages of 64 KiB.
const wanted = Number(process.env.MEMORIES || 2);
const initial = Number(process.env.INITIAL || 1);
const maximum = Number(process.env.MAXIMUM || 100);
const memories = [];
try {
  while (memories.length < wanted) memories.push(new WebAssembly.Memory({ initial, maximum }));
} catch (error) {
  console.error(`${memories.length} memories, then ${error}`);
  process.exit(1);
}
console.log(`${memories.length} memories`);
