// Stand-ins for what is loaded late: they behave as the class or function itself.
import { expect, test } from "vitest";
import { lazyExport } from "../../lib/core/lazy.ts";

class Base {
  static readonly KIND = 7;
  static #made = 0;
  readonly #value: number;

  constructor(value: number) {
    Base.#made++;
    this.#value = value;
  }

  static get made(): number {
    return Base.#made;
  }

  static of(value: number): Base {
    return new this(value);
  }

  double(): number {
    return this.#value * 2;
  }
}

function standIn(): { Late: typeof Base; loads: () => number } {
  let loads = 0;
  const Late = lazyExport(() => {
    loads++;
    return Base;
  });
  return { Late, loads: () => loads };
}

test("nothing is loaded until it is used", () => {
  const { Late, loads } = standIn();
  expect(typeof Late).toBe("function");
  expect(loads()).toBe(0);
  new Late(1);
  expect(loads()).toBeGreaterThan(0);
});

test("it constructs, and what it constructs is of the class and of the stand-in", () => {
  const { Late } = standIn();
  const made = new Late(21);
  expect(made.double()).toBe(42);
  expect(made instanceof Late).toBe(true);
  expect(made instanceof Base).toBe(true);
  expect(new Base(1) instanceof Late).toBe(true);
  expect(made.constructor).toBe(Base);
  expect({} instanceof Late).toBe(false);
});

test("it is extended", () => {
  const { Late } = standIn();
  class Derived extends Late {
    override double(): number {
      return super.double() + 1;
    }
  }
  expect(new Derived(1).double()).toBe(3);
  expect(new Derived(1) instanceof Base).toBe(true);
  expect(Derived.of(2)).toBeInstanceOf(Derived);
  expect(Derived.KIND).toBe(7);
});

test("its statics are those of the class", () => {
  const { Late } = standIn();
  expect(Late.KIND).toBe(7);
  expect(Late.name).toBe("Base");
  expect(Late.length).toBe(1);
  expect("made" in Late).toBe(true);
  expect(Late.of(4)).toBeInstanceOf(Base);
  expect(Late.made).toBe(Base.made);
  expect(Late.prototype).toBe(Base.prototype);
  expect(Object.getOwnPropertyNames(Late)).toEqual(Object.getOwnPropertyNames(Base));
  expect(Object.keys(Object.getOwnPropertyDescriptors(Late))).toEqual(
    Object.keys(Object.getOwnPropertyDescriptors(Base)),
  );
  expect(Object.getPrototypeOf(Late)).toBe(Function.prototype);
});

test("calling a class without new fails as it would", () => {
  const { Late } = standIn();
  expect(() => (Late as unknown as () => void)()).toThrow(TypeError);
});

test("it is called, with its receiver and arguments", () => {
  const late = lazyExport(
    () =>
      function (this: unknown, ...args: number[]) {
        return [this, ...args];
      },
  );
  const receiver = { late };
  expect(receiver.late(1, 2)).toEqual([receiver, 1, 2]);
});

test("an object's members are its own", () => {
  const engine = lazyExport(() => ({ name: "engine", twice: (value: number) => value * 2 }));
  expect(engine.name).toBe("engine");
  expect(engine.twice(4)).toBe(8);
});

test("what cannot be loaded says so at each use", () => {
  const late = lazyExport((): typeof Base => {
    throw new Error("no such part");
  });
  expect(() => new late(1)).toThrow("no such part");
  expect(() => late.KIND).toThrow("no such part");
});
