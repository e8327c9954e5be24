/** For tests: a real libwasmtime in which one function does nothing, so that the engine is not what was configured. */
import { readFileSync, writeFileSync } from 'node:fs';

const ret = 0xc3;
const dynamicSymbols = 11; // SHT_DYNSYM
const loaded = 1; // PT_LOAD

/** Copies an ELF library of 64 bits to `target`, the first byte of the function overwritten with `ret`. */
export function patchLibrary(library: string, symbol: string, target: string): void {
  const elf = readFileSync(library);
  elf[fileOffsetOf(elf, addressOf(elf, symbol))] = ret;
  writeFileSync(target, elf, { mode: 0o755 });
}

function addressOf(elf: Buffer, symbol: string): number {
  const sections = readTable(elf, elf.readBigUInt64LE(40), elf.readUInt16LE(58), elf.readUInt16LE(60));
  const symbols = sections.find((header) => header.readUInt32LE(4) === dynamicSymbols);
  const names = symbols && sections[symbols.readUInt32LE(40)];
  if (symbols === undefined || names === undefined) throw new Error('the library has no dynamic symbols');
  const [text, list] = [names, symbols].map((header) =>
    elf.subarray(
      Number(header.readBigUInt64LE(24)),
      Number(header.readBigUInt64LE(24) + header.readBigUInt64LE(32)),
    ),
  );
  if (text === undefined || list === undefined) throw new Error('the library has no dynamic symbols');
  for (const entry of readTable(list, 0n, 24, list.length / 24)) {
    const at = entry.readUInt32LE(0);
    if (text.toString('latin1', at, text.indexOf(0, at)) === symbol) return Number(entry.readBigUInt64LE(8));
  }
  throw new Error(`the library has no symbol ${symbol}`);
}

/** Addresses are those of the loaded library; program headers say where in the file they come from. */
function fileOffsetOf(elf: Buffer, address: number): number {
  const segments = readTable(elf, elf.readBigUInt64LE(32), elf.readUInt16LE(54), elf.readUInt16LE(56));
  for (const header of segments) {
    const start = Number(header.readBigUInt64LE(16));
    const isInside = address >= start && address < start + Number(header.readBigUInt64LE(32));
    if (header.readUInt32LE(0) === loaded && isInside) {
      return Number(header.readBigUInt64LE(8)) + address - start;
    }
  }
  throw new Error(`address ${address} is in no segment`);
}

function readTable(bytes: Buffer, offset: bigint, entryBytes: number, count: number): readonly Buffer[] {
  return Array.from({ length: count }, (_, index) => {
    const at = Number(offset) + index * entryBytes;
    return bytes.subarray(at, at + entryBytes);
  });
}
