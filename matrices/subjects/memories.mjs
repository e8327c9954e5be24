// Two memories of WebAssembly that may grow to 4 GiB, both alive while the process is looked at.
const memories = [1, 2].map(() => new WebAssembly.Memory({ initial: 1, maximum: 65_536 }));
console.log('up');
setInterval(() => memories.length, 1000);
