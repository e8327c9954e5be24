/**
 * Messages of engines: which act failed, on which engine, and its class. One table for a worker's end, for what a
 * subject writes in a guest, and for the output in a field report. Texts of wasmtime 4 to 50 and of V8 7 to 14.
 */
import type { FailureClass } from './host-report.ts';

/** What a program was doing when it failed. */
export type Act =
  | 'start' // the runtime itself came up
  | 'memory' // one more linear memory
  | 'growth' // a memory that is there grew
  | 'instance' // one instance of a module with a memory
  | 'fetch' // fetch(), whose parser is an instance
  | 'import' // import of a CommonJS file, whose lexer is an instance
  | 'pool' // a pool of the engine
  | 'thread' // a thread or a process
  | 'heap' // the JavaScript heap reached V8's own limit, at run time
  | 'commit' // memory for the JavaScript heap, which the kernel refused
  | 'instruction' // an instruction that the processor lacks
  | 'code' // memory that is to become executable
  | 'option' // an option nobody knows
  | 'unknown';

export type KnownMessage = Readonly<{
  match: RegExp;
  /** Elsewhere in the text, a frame of the stack: what was being done. */
  near?: RegExp;
  class: FailureClass;
  act: Act;
  /** Null: both write it, or other programs do. */
  engine: 'wasmtime' | 'v8' | null;
}>;

const v8Instance =
  /WebAssembly\.(?:instantiate|Instance|instantiateStreaming)\(\): (?:[Oo]ut of memory[^\n]*|could not allocate memory)/;

/** First match wins. */
export const knownMessages: readonly KnownMessage[] = [
  {
    match: /failed to create (?:memory|table|stack|GC heap) pool mapping/i,
    class: 'pool-mapping',
    act: 'pool',
    engine: 'wasmtime',
  },
  { match: /failed to protect stack guard page/, class: 'stack-guard', act: 'pool', engine: 'wasmtime' },
  // Under MemoryDenyWriteExecute or its seccomp filter.
  {
    match: /unable to make memory (?:readable\+)?executable/,
    class: 'engine',
    act: 'code',
    engine: 'wasmtime',
  },
  // Instantiation has no pool wording: mmap of an on-demand memory, or a bare mprotect or mmap of an image.
  {
    match: /mmap failed to (?:reserve|allocate)(?= 0x)/,
    class: 'instance-mapping',
    act: 'memory',
    engine: 'wasmtime',
  },
  {
    // A lock or a socket that has nothing yet ends with the same errno: only with a word of threads is it one of those.
    match:
      /(?<=(?:pthread_create|\bv?fork|\bclone|spawn|ThreadPool|thread pool|\bthreads?\b(?! '[^'\n]*' (?:\(\d+\) )?panicked at))[^\n]*)[Rr]esource temporarily unavailable|ERR_WORKER_INIT_FAILED|(?:spawn|fork|clone|thread|Worker)[^\n]*\bEAGAIN\b|uv_thread_create|[Cc]annot fork\b|failed to (?:spawn|create) (?:an? )?(?:new |worker |OS |native )*thread|unable to create (?:new )?native thread|can't start new thread/,
    class: 'thread',
    act: 'thread',
    engine: null,
  },
  {
    // The panic of std::thread::spawn: its place is on another line.
    match: /Resource temporarily unavailable|\(os error 11\)/,
    near: /std\/src\/(?:sys\/[\w/]*)?thread|thread\/(?:mod|functions)\.rs|rayon-core/,
    class: 'thread',
    act: 'thread',
    engine: null,
  },
  { match: /\(os error 12\)/, class: 'instance-mapping', act: 'memory', engine: 'wasmtime' },
  { match: /bad option: |is not allowed in NODE_OPTIONS/, class: 'unsupported', act: 'option', engine: 'v8' },
  { match: /Wasm SIMD unsupported/, class: 'unsupported', act: 'instruction', engine: 'v8' },
  {
    match:
      /libcall FloorF64|SIMD support requires|cannot (?:test if target-specific flag|enable) ?"?has_sse[^\n]*|target-specific flag/,
    class: 'unsupported',
    act: 'instruction',
    engine: 'wasmtime',
  },
  { match: /[Ii]llegal instruction|\bSIGILL\b/, class: 'crashed', act: 'instruction', engine: null },
  // Below its own limit V8 asked the kernel for memory, and did not get it.
  {
    match: /Committing semi space failed|Fatal (?:process|javascript) (?:out of memory|OOM): Zone/i,
    class: 'v8-fatal',
    act: 'commit',
    engine: 'v8',
  },
  // A heap that filled up is a program's own doing; one that cannot be reserved keeps V8 from starting.
  {
    match:
      /Reached heap limit|Ineffective mark-compacts near heap limit|invalid (?:array|table|string) (?:length|size) Allocation failed|JavaScript heap out of memory|Allocation failed - process out of memory|ERR_WORKER_OUT_OF_MEMORY/i,
    class: 'v8-fatal',
    act: 'heap',
    engine: 'v8',
  },
  {
    match:
      /Fatal (?:process|javascript) (?:out of memory|OOM)[^\n]*|V8 (?:process|javascript) OOM[^\n]*|OOM error in V8[^\n]*|Check failed: (?:12 == |[^\n]*SetPermissions)[^\n]*/i,
    class: 'v8-fatal',
    act: 'start',
    engine: 'v8',
  },
  // Any other check of V8: nobody knows what it was doing.
  { match: /# Fatal error in|FATAL ERROR:|Check failed: /i, class: 'v8-fatal', act: 'unknown', engine: 'v8' },
  {
    match: v8Instance,
    near: /lazyllhttp|undici|llhttp/,
    class: 'v8-memory',
    act: 'fetch',
    engine: 'v8',
  },
  {
    match: v8Instance,
    near: /cjs-module-lexer|cjs\/lexer|internal\/deps\/cjs/,
    class: 'v8-memory',
    act: 'import',
    engine: 'v8',
  },
  { match: v8Instance, class: 'v8-memory', act: 'instance', engine: 'v8' },
  {
    match: /WebAssembly\.Memory\(\): could not allocate memory/,
    class: 'v8-memory',
    act: 'memory',
    engine: 'v8',
  },
  {
    match: /WebAssembly\.Memory\.grow\(\): [^\n]*|memory\.grow[^\n]*failed/,
    class: 'v8-memory',
    act: 'growth',
    engine: 'v8',
  },
  {
    match: /WebAssembly[^\n]*[Oo]ut of memory[^\n]*|Cannot allocate Wasm memory[^\n]*/,
    class: 'v8-memory',
    act: 'instance',
    engine: 'v8',
  },
  // The dynamic loader, before the runtime has said anything.
  {
    match: /failed to map segment from shared object|cannot allocate memory in static TLS block/,
    class: 'crashed',
    act: 'start',
    engine: null,
  },
  { match: /memory allocation of \d+ bytes failed/, class: 'engine', act: 'heap', engine: null },
  { match: /panicked at/, class: 'engine', act: 'unknown', engine: null },
];

/** The message that decides, with the place of its words; null when nothing in the text is known. */
export function findMessage(
  text: string,
): Readonly<{ message: KnownMessage; words: string; at: number }> | null {
  for (const message of knownMessages) {
    const found = message.match.exec(text);
    if (found !== null && message.near?.test(text) !== false)
      return { message, words: found[0], at: found.index };
  }
  return null;
}
