/** Makes plugins of libextism and keeps them: `node extism.cjs <libextism>`. */
const koffi = require('koffi');

// One memory of one page, and a function: the least that is a plugin.
const module_ = Buffer.from([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 5, 3, 1, 0, 1, 7, 7, 1, 3, 114, 117, 110,
  0, 0, 10, 6, 1, 4, 0, 65, 0, 11,
]);
const library = koffi.load(process.argv[2]);
const makePlugin = library.func(
  'void *extism_plugin_new(const uint8_t *wasm, uint64_t size, void *functions, uint64_t count, bool wasi, _Out_ char **error)',
);
const callPlugin = library.func(
  'int32_t extism_plugin_call(void *plugin, const char *name, const uint8_t *data, uint64_t size)',
);
const plugins = [];
for (let count = Number(process.env.PLUGINS ?? 10); plugins.length < count;) {
  const error = [null];
  const plugin = makePlugin(module_, module_.length, null, 0, false, error);
  if (plugin === null || callPlugin(plugin, 'run', null, 0) !== 0) {
    console.error(`plugin ${plugins.length + 1}: ${error[0] ?? 'its function failed'}`);
    process.exit(1);
  }
  plugins.push(plugin);
}
console.log('up');
setInterval(() => plugins.length, 1000);
