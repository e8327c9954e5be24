// INSTANCES times an instance of a module with a memory of its own: by its constructor, or asynchronously as
// emscripten does it (HOW=instantiate).
// (module (memory 1))
const bytes = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 3, 1, 0, 1);
const wanted = Number(process.env.INSTANCES || 1);
const instances = [];

const make = async () =>
  process.env.HOW === 'instantiate'
    ? (await WebAssembly.instantiate(bytes, {})).instance
    : new WebAssembly.Instance(new WebAssembly.Module(bytes));

(async () => {
  try {
    while (instances.length < wanted) instances.push(await make());
  } catch (error) {
    console.error(`${instances.length} instances, then ${error}`);
    process.exit(1);
  }
  console.log(`${instances.length} instances`);
})();
