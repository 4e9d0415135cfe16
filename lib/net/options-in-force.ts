// Checked options in the form in which a caller writes them, for `connection.options`.
// Not here: checking them (parameters.ts).

import type { StreamParameters } from "./parameters.ts";
import type { ConnectOptions } from "./types.ts";

// One for all connections of a listener, and the same at every look.
const known = new WeakMap<object, Readonly<ConnectOptions<never>>>();

const MS_PER_SECOND = 1_000;

/** The options in force, defaults filled in; frozen, and so is what it holds. */
export function optionsInForce<T>(parameters: StreamParameters): Readonly<ConnectOptions<T>> {
  let options = known.get(parameters);
  if (options === undefined) {
    options = Object.freeze(publicForm(parameters)) as unknown as Readonly<ConnectOptions<never>>;
    known.set(parameters, options);
  }
  return options as unknown as Readonly<ConnectOptions<T>>;
}

function publicForm(parameters: StreamParameters): Record<string, unknown> {
  const options: Record<string, unknown> = { ...parameters };
  delete options["handler"];
  const { keepAlive, socketOptions } = parameters;
  options["keepAlive"] =
    keepAlive === null
      ? false
      : Object.freeze({
          idle: keepAlive.idleSeconds * MS_PER_SECOND,
          interval: keepAlive.intervalSeconds * MS_PER_SECOND,
          count: keepAlive.count,
        });
  options["socketOptions"] = Object.freeze(Object.fromEntries(socketOptions));
  const local = options["localAddress"] as { host: string; zone?: string } | undefined;
  if (local !== undefined) {
    options["localAddress"] = local.zone === undefined ? local.host : `${local.host}%${local.zone}`;
  }
  return options;
}
