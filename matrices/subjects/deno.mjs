const memory = new WebAssembly.Memory({ initial: 1, maximum: 100 });
console.log(`deno ${Deno.version.deno}, ${memory.buffer.byteLength} bytes of memory`);
