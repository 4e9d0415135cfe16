import { describe, expect, test } from "vitest";
import { chooseCores, describeEnvironment, parseCpuList } from "../../bench/harness/machine.ts";

describe("cores", () => {
  test.each([
    ["0-3", [0, 1, 2, 3]],
    ["0,2,4-5\n", [0, 2, 4, 5]],
    ["7", [7]],
    ["", []],
    ["nonsense", []],
  ])("the kernel's list %j is read", (text, cpus) => {
    expect(parseCpuList(text)).toEqual(cpus);
  });

  test("the generator avoids the server's physical core where there is another", () => {
    expect(chooseCores([0, 1, 2, 3], [0, 1])).toEqual({ server: 0, generator: 2 });
    expect(chooseCores([0, 1], [0])).toEqual({ server: 0, generator: 1 });
    expect(chooseCores([0, 1], [0, 1])).toEqual({ server: 0, generator: 1 });
    expect(chooseCores([4, 6], [4])).toEqual({ server: 4, generator: 6 });
  });

  test("one core is not pinned: the two would take turns", () => {
    expect(chooseCores([0], [0])).toBeNull();
    expect(chooseCores([], [])).toBeNull();
  });
});

describe("the environment", () => {
  test("names the machine, the system and every version", () => {
    const environment = describeEnvironment({ server: 0, generator: 1 }, { bun: "1.4.4" });
    expect(environment.machine).toMatch(/^\d+ x .+ GiB, \w+$/);
    expect(environment.cores).toBe("server on core 0, generator on core 1");
    expect(environment.versions).toMatchObject({ node: process.versions.node, bun: "1.4.4" });
  });

  test("says when nothing is pinned", () => {
    expect(describeEnvironment({ server: null, generator: null }, {}).cores).toMatch(/not pinned/);
  });
});
