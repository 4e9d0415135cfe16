import { describe, expect, it } from "vitest";
import { readMachO } from "../../scripts/mach-o.ts";

interface Symbol {
  readonly name: string;
  readonly type: number;
  readonly ordinal?: number;
}

// <mach-o/nlist.h>: N_SECT | N_EXT, N_UNDF | N_EXT, and N_PEXT, which keeps a symbol in the file.
const defined = 0x0f;
const undefinedExternal = 0x01;
const privateExternal = 0x1f;

function machO(processor: number, symbols: readonly Symbol[]): Buffer {
  const header = Buffer.alloc(32);
  header.writeUInt32LE(0xfeedfacf, 0);
  header.writeUInt32LE(processor, 4);
  header.writeUInt32LE(2, 16);
  const other = Buffer.alloc(16); // a load command that is passed over
  other.writeUInt32LE(0x1b, 0);
  other.writeUInt32LE(16, 4);
  const table = Buffer.alloc(24); // LC_SYMTAB
  table.writeUInt32LE(0x2, 0);
  table.writeUInt32LE(24, 4);
  const start = header.length + other.length + table.length;
  table.writeUInt32LE(start, 8);
  table.writeUInt32LE(symbols.length, 12);
  table.writeUInt32LE(start + symbols.length * 16, 16);
  let strings = "\0";
  const entries = symbols.map(({ name, type, ordinal = 0 }) => {
    const entry = Buffer.alloc(16);
    entry.writeUInt32LE(strings.length, 0);
    entry.writeUInt8(type, 4);
    entry.writeUInt16LE(ordinal << 8, 6);
    strings += `${name}\0`;
    return entry;
  });
  return Buffer.concat([header, other, table, ...entries, Buffer.from(strings, "latin1")]);
}

describe("readMachO", () => {
  it("tells the processor", () => {
    expect(readMachO(machO(0x0100000c, [])).processor).toBe("arm64");
    expect(readMachO(machO(0x01000007, [])).processor).toBe("x64");
  });

  it("lists what is exported and what is looked up at run time, and nothing else", () => {
    const built = readMachO(
      machO(0x0100000c, [
        { name: "_napi_register_module_v1", type: defined },
        { name: "_hidden", type: privateExternal },
        { name: "_local", type: 0x0e },
        { name: "_debug", type: 0x24 | 0x01 },
        { name: "_kevent", type: undefinedExternal, ordinal: 2 },
        { name: "_napi_create_object", type: undefinedExternal, ordinal: 0xfe },
      ]),
    );
    expect(built.exported).toEqual(["_napi_register_module_v1"]);
    expect(built.lookedUp).toEqual(["_napi_create_object"]);
  });

  it("refuses what is no Mach-O file for a supported processor", () => {
    expect(() => readMachO(Buffer.alloc(64))).toThrow("not a 64-bit Mach-O file");
    expect(() => readMachO(machO(7, []))).toThrow("another processor");
    const bare = machO(0x0100000c, []);
    bare.writeUInt32LE(1, 16);
    expect(() => readMachO(bare)).toThrow("without a symbol table");
  });
});
