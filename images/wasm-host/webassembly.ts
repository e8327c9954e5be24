/** Types for Node's global WebAssembly, which @types/node leaves to the DOM library. */
type Instance = Readonly<{ exports: Readonly<Record<string, unknown>> }>;

type Api = Readonly<{
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports?: object) => Instance;
  Memory: new (descriptor: Readonly<{ initial: number; maximum: number }>) => object;
  RuntimeError: new (message?: string) => Error;
}>;

export const webAssembly: Api = (globalThis as unknown as Readonly<{ WebAssembly: Api }>).WebAssembly;
