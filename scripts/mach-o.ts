// What a build for macOS must be seen to have, read from its Mach-O file: the processor, what it
// exports, and what is looked up at run time. Nothing of the package uses this.

/** The parts of a 64-bit Mach-O file that the checks look at. */
export interface MachO {
  readonly processor: "arm64" | "x64";
  readonly exported: readonly string[];
  /** Undefined symbols that no library was named for: the process must bring them. */
  readonly lookedUp: readonly string[];
}

// <mach-o/loader.h>, <mach-o/nlist.h> and <mach/machine.h>.
const MH_MAGIC_64 = 0xfeedfacf;
const HEADER_BYTES = 32;
const LC_SYMTAB = 0x2;
const NLIST_BYTES = 16;
const N_STAB = 0xe0;
const N_TYPE = 0x0e;
const N_UNDF = 0x0;
const N_EXT = 0x01;
const N_PEXT = 0x10;
const DYNAMIC_LOOKUP_ORDINAL = 0xfe;
const PROCESSORS = new Map<number, MachO["processor"]>([
  [0x0100000c, "arm64"],
  [0x01000007, "x64"],
]);

/** Reads a file. Throws a RangeError or an Error that says what is not as it should be. */
export function readMachO(file: Buffer): MachO {
  if (file.readUInt32LE(0) !== MH_MAGIC_64) throw new Error("not a 64-bit Mach-O file");
  const processor = PROCESSORS.get(file.readUInt32LE(4));
  if (processor === undefined) throw new Error("a Mach-O file for another processor");
  const commands = file.readUInt32LE(16);
  let offset = HEADER_BYTES;
  for (let i = 0; i < commands; i++) {
    if (file.readUInt32LE(offset) === LC_SYMTAB) {
      return { processor, ...readSymbols(file, offset) };
    }
    offset += file.readUInt32LE(offset + 4);
  }
  throw new Error("a Mach-O file without a symbol table");
}

function readSymbols(file: Buffer, command: number): Omit<MachO, "processor"> {
  const symbols = file.readUInt32LE(command + 8);
  const count = file.readUInt32LE(command + 12);
  const strings = file.readUInt32LE(command + 16);
  const exported: string[] = [];
  const lookedUp: string[] = [];
  for (let i = 0; i < count; i++) {
    const entry = symbols + i * NLIST_BYTES;
    const type = file.readUInt8(entry + 4);
    if ((type & N_STAB) !== 0 || (type & N_EXT) === 0) continue;
    const start = strings + file.readUInt32LE(entry);
    const name = file.toString("latin1", start, file.indexOf(0, start));
    if ((type & N_TYPE) !== N_UNDF) {
      if ((type & N_PEXT) === 0) exported.push(name);
    } else if (file.readUInt16LE(entry + 6) >> 8 === DYNAMIC_LOOKUP_ORDINAL) {
      lookedUp.push(name);
    }
  }
  return { exported, lookedUp };
}
