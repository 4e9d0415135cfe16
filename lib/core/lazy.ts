// Classes and functions that stand in for those of a module which is loaded when one of them is
// first used. The bundler puts them in the place of what lib/index.ts exports
// (scripts/lazy-parts.mjs): a program that opens one TCP connection does not compile WebSockets.
// Not here: which modules are loaded late, and how.

type Callable = abstract new (...args: never[]) => object;

/**
 * A function or class that behaves as the one that `load` gives, and asks for it when it is called,
 * constructed, extended, looked into or compared with `instanceof`.
 */
export function lazyExport<T extends object>(load: () => T): T {
  const real = load as unknown as () => Callable;
  // A bound class can be called and constructed, as far as a proxy is concerned, and has no
  // property that the proxy must report as it is.
  const target = class {}.bind(undefined);
  const standIn: object = new Proxy(target, {
    apply: (_, receiver, args) => Reflect.apply(real() as never, receiver, args),
    construct: (_, args, newTarget) =>
      Reflect.construct(real() as never, args, newTarget === standIn ? real() : newTarget),
    get: (_, key) => Reflect.get(real(), key),
    set: (_, key, value) => Reflect.set(real(), key, value),
    has: (_, key) => Reflect.has(real(), key),
    getPrototypeOf: () => Reflect.getPrototypeOf(real()),
    ownKeys: () => Reflect.ownKeys(real()),
    getOwnPropertyDescriptor: (_, key) => {
      const found = Reflect.getOwnPropertyDescriptor(real(), key);
      // What the target lacks must be told as configurable.
      return found === undefined ? undefined : { ...found, configurable: true };
    },
    defineProperty: (_, key, descriptor) => Reflect.defineProperty(real(), key, descriptor),
    deleteProperty: (_, key) => Reflect.deleteProperty(real(), key),
  });
  return standIn as T;
}
