// The looks at the networks that connections share.
import { describe, expect, test } from "vitest";
import { PATH_LOOK_EVERY_MS, PATH_LOOK_SHARE } from "../../../lib/core/limits.ts";
import { HawserError } from "../../../lib/errors/index.ts";
import type { PathView } from "../../../lib/net/paths/path-rules.ts";
import { collectUncaught } from "../support.ts";
import { makeHost } from "./support.ts";

function looker(onLook: (view: PathView) => void = () => {}) {
  return {
    looks: 0,
    look(view: PathView) {
      this.looks++;
      onLook(view);
    },
  };
}

describe("the watch", () => {
  test("begins with the first who looks, and ends with the last", () => {
    const { network, looks, clock } = makeHost();
    const [one, other] = [looker(), looker()];
    expect(network.observers.size).toBe(0);
    looks.add(one);
    looks.add(other);
    looks.add(other);
    expect([network.observers.size, looks.size]).toEqual([1, 2]);
    network.changed();
    looks.remove(one);
    looks.remove(one);
    expect(network.observers.size).toBe(1);
    looks.remove(other);
    expect([network.observers.size, looks.size]).toEqual([0, 0]);
    expect(clock.nextMs).toBeUndefined();
    looks.add(one);
    expect(network.observers.size).toBe(1);
  });

  test("who may not watch is told, and does not look", () => {
    const { looks, network } = makeHost();
    const refuse = new Error("EPERM");
    network.watch = () => {
      throw refuse;
    };
    const host = makeHost(network);
    expect(() => host.looks.add(looker())).toThrow(refuse);
    expect(host.looks.size).toBe(0);
    expect(() => looks.view()).toThrow(/nobody/);
  });
});

describe("a look", () => {
  test("comes with the first change at once, and with the next ones together", () => {
    const { network, looks, clock } = makeHost();
    const one = looker();
    looks.add(one);
    network.changed();
    network.changed();
    // Never inside the call that tells of the change.
    expect(one.looks).toBe(0);
    clock.advance(0);
    expect(one.looks).toBe(1);
    for (let change = 0; change < 1_000; change++) {
      network.changed();
      clock.advance(1);
    }
    clock.advance(PATH_LOOK_EVERY_MS);
    expect(one.looks).toBeGreaterThanOrEqual(1_000 / PATH_LOOK_EVERY_MS);
    expect(one.looks).toBeLessThanOrEqual(1_000 / PATH_LOOK_EVERY_MS + 2);
  });

  test("that takes long comes less often", () => {
    const { network, looks, clock } = makeHost();
    const slow = looker(() => {
      clock.time += 100;
    });
    looks.add(slow);
    network.changed();
    clock.advance(0);
    network.changed();
    expect(clock.nextMs).toBe((PATH_LOOK_SHARE - 1) * 100);
    clock.advance((PATH_LOOK_SHARE - 1) * 100);
    expect(slow.looks).toBe(2);
  });

  test("sees the last of the changes", () => {
    const { network, looks, clock } = makeHost();
    const seen: unknown[] = [];
    looks.add(looker(({ snapshot }) => seen.push(snapshot.interface("eth0")?.up)));
    network.set("eth0", { up: false });
    clock.advance(0);
    network.set("eth0", { up: true });
    network.set("eth0", { up: false });
    network.set("eth0", { up: true });
    clock.advance(PATH_LOOK_EVERY_MS);
    expect(seen).toEqual([false, true]);
  });

  test("asks the kernel once what many ask", () => {
    const { network, looks, clock } = makeHost();
    const ask = (view: PathView) => {
      view.pathTo({ address: "203.0.113.9" });
      view.pathTo({ address: "203.0.113.9", localAddress: "10.0.0.2" });
      view.pathTo({ address: "203.0.113.9", interface: 3 });
    };
    for (let count = 0; count < 100; count++) looks.add(looker(ask));
    network.changed();
    clock.advance(0);
    expect(network.questions).toBe(3);
    network.changed();
    clock.advance(PATH_LOOK_EVERY_MS);
    expect(network.questions).toBe(6);
  });

  test("comes again where the kernel could not be asked", () => {
    const { network, looks, clock } = makeHost();
    const kernels = network.pathTo.bind(network);
    network.pathTo = () => {
      throw new HawserError("EMFILE", { code: "EMFILE" });
    };
    const seen: string[] = [];
    looks.add(looker((view) => seen.push(view.pathTo({ address: "10.0.0.9" }).status)));
    network.changed();
    clock.advance(500);
    expect(seen).toEqual([]);
    network.pathTo = kernels;
    clock.advance(500);
    expect(seen).toEqual(["satisfied"]);
    expect(clock.nextMs).toBeUndefined();
  });

  test("one that throws, or removes others, does not keep the rest from looking", async () => {
    const { network, looks, clock } = makeHost();
    const [last, removed] = [looker(), looker()];
    const broken = new Error("broken");
    looks.add(
      looker(() => {
        looks.remove(removed);
        throw broken;
      }),
    );
    looks.add(removed);
    looks.add(last);
    await collectUncaught(async (errors) => {
      network.changed();
      clock.advance(0);
      await new Promise(setImmediate);
      expect(errors).toEqual([broken]);
    });
    expect([removed.looks, last.looks]).toEqual([0, 1]);
  });
});
