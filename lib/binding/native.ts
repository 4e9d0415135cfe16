// The addon, loaded once. Nothing else imports the loader.

import { HawserError } from "../errors/hawser-error.ts";
import { loadBinding } from "./loader.ts";
import { MEMORY_BYTES } from "./records.ts";
import type { NativeBinding } from "./types.ts";

export const native: NativeBinding = checked(loadBinding() as NativeBinding);

// A binary of another version would read other words in the shared memory.
function checked(binding: NativeBinding): NativeBinding {
  if (binding.memoryBytes === MEMORY_BYTES) return binding;
  throw new HawserError(
    "hawser: its native binary is of another version than its JavaScript. Install the package " +
      "again, or build it anew.",
    { code: "ERR_HAWSER_BINARY_UNUSABLE" },
  );
}
