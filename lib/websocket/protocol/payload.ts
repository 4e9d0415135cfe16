// What an application may send: checks of its arguments, nothing of a peer's.

import { invalidArgType } from "../../errors/arguments.ts";

/** A string, or bytes in a Uint8Array (a Buffer is one). */
export function requirePayload(value: unknown, name: string): string | Uint8Array {
  if (typeof value === "string" || value instanceof Uint8Array) return value;
  throw invalidArgType(name, "a string or a Uint8Array", value);
}

export function requireUint8Array(value: unknown, name: string): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw invalidArgType(name, "a Uint8Array", value);
}
