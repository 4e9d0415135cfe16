// Checks of what a caller passes in, with Node's error codes. Nothing that a peer sent comes here.

/** A TypeError with code ERR_INVALID_ARG_TYPE. */
export function argumentTypeError(name: string, expected: string, actual: unknown): TypeError {
  const kind = actual === null ? "null" : typeof actual;
  const error = new TypeError(`The "${name}" argument must be ${expected}. Received ${kind}`);
  return Object.assign(error, { code: "ERR_INVALID_ARG_TYPE" });
}

/** A RangeError with code ERR_INVALID_ARG_VALUE. */
export function argumentValueError(name: string, expected: string, actual: unknown): RangeError {
  const error = new RangeError(`The "${name}" argument ${expected}. Received ${String(actual)}`);
  return Object.assign(error, { code: "ERR_INVALID_ARG_VALUE" });
}

/** A TypeError with code ERR_INVALID_STATE: the call is right, its moment is not. */
export function stateError(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: "ERR_INVALID_STATE" });
}

export function checkInteger(
  name: string,
  value: unknown,
  minimum: number,
  maximum: number = Number.MAX_SAFE_INTEGER,
): asserts value is number {
  if (typeof value !== "number") throw argumentTypeError(name, "a number", value);
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    throw argumentValueError(name, `must be an integer of ${minimum} to ${maximum}`, value);
  }
}

/** Durations: milliseconds, not negative, finite. */
export function checkDuration(name: string, value: unknown): asserts value is number {
  if (typeof value !== "number") throw argumentTypeError(name, "a number", value);
  if (!Number.isFinite(value) || value < 0) {
    throw argumentValueError(name, "must be a duration in milliseconds", value);
  }
}

export function checkObject(name: string, value: unknown): asserts value is object {
  if (typeof value !== "object" || value === null)
    throw argumentTypeError(name, "an object", value);
}

export function checkBoolean(name: string, value: unknown): asserts value is boolean {
  if (typeof value !== "boolean") throw argumentTypeError(name, "a boolean", value);
}

export function checkString(name: string, value: unknown): asserts value is string {
  if (typeof value !== "string") throw argumentTypeError(name, "a string", value);
}

/** Payloads: a string, or bytes in any ArrayBuffer view. */
export function checkPayload(name: string, value: unknown): asserts value is string | Uint8Array {
  if (typeof value !== "string" && !(value instanceof Uint8Array)) {
    throw argumentTypeError(name, "a string or a Uint8Array", value);
  }
}
