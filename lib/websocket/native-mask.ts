// Masking of long payloads in native code, with vector instructions. The protocol calls it for 256
// bytes and more, which is about where the call costs no more than the loop (measured: 0.16 against
// 0.27 us at 256 bytes, 0.6 against 5 to 13 us at 16 KiB). Not here: the loop (protocol/mask.ts).

import { native } from "../binding/native.ts";
import type { Unmask } from "./protocol/index.ts";

export const unmask: Unmask = native.unmask;
