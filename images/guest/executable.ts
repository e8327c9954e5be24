/** Machine code → an executable: an ELF header, one segment. For the few calls that no shell tool makes. */

const base = 0x400000;
const headerBytes = 64 + 56;

/** A static program whose code starts at the first byte of `body`; it is mapped readable and executable. */
export function buildExecutable(body: Buffer, elfMachine: number): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.write('\x7fELF', 0, 'latin1');
  header.set([2, 1, 1], 4); // 64 bit, little endian, version 1
  header.writeUInt16LE(2, 16); // executable
  header.writeUInt16LE(elfMachine, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(base + headerBytes), 24); // entry point
  header.writeBigUInt64LE(64n, 32); // program headers
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  header.writeUInt32LE(1, 64); // PT_LOAD
  header.writeUInt32LE(5, 68); // read, execute
  header.writeBigUInt64LE(BigInt(base), 80);
  header.writeBigUInt64LE(BigInt(base), 88);
  header.writeBigUInt64LE(BigInt(headerBytes + body.length), 96);
  header.writeBigUInt64LE(BigInt(headerBytes + body.length), 104);
  header.writeBigUInt64LE(4096n, 112);
  return Buffer.concat([header, body]);
}
