// The first import of a CommonJS file: Node finds its exports with a lexer that is WebAssembly.
import * as required from './node-cjs-import.cjs';

console.log(`imported ${required.default.answer}`);
