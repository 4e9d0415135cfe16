// The memory that native code and JavaScript share, as one piece. Not here: what stands where in it
// (records.def), who opens a reactor with it (reactor.ts).

import { MEMORY_BYTES } from "../binding/records.ts";
import { HawserError } from "../errors/index.ts";

interface WebAssemblyNamespace {
  readonly Memory: new (descriptor: {
    initial: number;
    maximum: number;
  }) => { readonly buffer: ArrayBuffer };
}
declare const WebAssembly: WebAssemblyNamespace | undefined;

const WASM_PAGE_BYTES = 65_536;

/**
 * New memory of MEMORY_BYTES and what is missing of a page. It is the buffer of a WebAssembly
 * memory, because user code can neither detach nor resize that.
 *
 * @throws HawserError ERR_HAWSER_UNSUPPORTED_PLATFORM where Node was started without WebAssembly;
 *   ENOMEM where the address space is limited to less than Node reserves for such memory
 */
export function makeSharedMemory(): ArrayBuffer {
  if (typeof WebAssembly === "undefined") {
    throw new HawserError(
      "hawser needs WebAssembly for memory that cannot be taken away: start Node without --jitless.",
      { code: "ERR_HAWSER_UNSUPPORTED_PLATFORM" },
    );
  }
  const pages = Math.ceil(MEMORY_BYTES / WASM_PAGE_BYTES);
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages }).buffer;
  } catch (cause) {
    throw new HawserError(
      "hawser: no memory. Node reserves 10 GB of address space for it, which this process may not " +
        "have (ulimit -v): raise that limit, or start Node with --disable-wasm-trap-handler.",
      { code: "ENOMEM", syscall: "mmap", cause },
    );
  }
}
