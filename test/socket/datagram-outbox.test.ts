// What waits for room: its order, and the modes of the socket that it wants. A Unix socket whose
// peer does not read has no room, which no other kind of socket shows at will.

import { afterEach, describe, expect, test } from "vitest";
import { SLOT_DATAGRAM } from "../../lib/binding/types.ts";
import { toNativePath } from "../../lib/socket/address.ts";
import { DatagramChannel } from "../../lib/socket/datagram-channel.ts";
import {
  DatagramOutbox,
  type DatagramOwner,
  type SendMode,
} from "../../lib/socket/datagram-outbox.ts";
import { DatagramSocket } from "../../lib/socket/datagram-socket.ts";
import { reactor } from "../../lib/socket/reactor.ts";
import { openSocket } from "../../lib/socket/socket-base.ts";
import { closeAll, socketPath, tracked, until } from "./support.ts";

const CONNECTED = { to: null, local: null, interface: 0, trafficClass: 0 };
const channels: DatagramChannel[] = [];

afterEach(async () => {
  for (const channel of channels.splice(0)) channel.close();
  await closeAll();
});

/** An outbox whose peer reads only what `receiver` is asked for. */
function sending() {
  const receiver = tracked(new DatagramSocket({ family: "unix" }));
  const path = socketPath();
  receiver.bind({ path });
  let drains = 0;
  const channel = new DatagramChannel({
    onDatagram() {},
    onFailed() {},
    onPeerFailed() {},
    onSettled: (status, first) => outbox.settle(status, first),
    onWritable: () => outbox.retry(),
  });
  const outbox: DatagramOutbox = new DatagramOutbox(channel, () => {
    drains++;
  });
  const { slot, generation } = openSocket("unix", SLOT_DATAGRAM, []);
  channel.attach(slot, generation);
  channels.push(channel);
  expect(reactor.connectDatagram(slot, generation, toNativePath(path, false).bytes, true)).toBe(0);
  expect(reactor.watch(slot, generation)).toBe(0);
  return { outbox, receiver, drains: () => drains };
}

class Owner implements DatagramOwner {
  readonly mode: SendMode | undefined;
  readonly errors: number[] = [];
  isTold = false;

  constructor(mode?: SendMode) {
    this.mode = mode;
  }

  refused(errno: number): void {
    this.errors.push(errno);
  }

  told(): void {
    this.isTold = true;
  }
}

/** Modes of which one is in force, and what was done, in order. */
function modes(log: string[]) {
  let inForce = "";
  return (name: string, status = 0): SendMode => ({
    get isInForce() {
      return inForce === name;
    },
    enter() {
      log.push(name);
      if (status === 0) inForce = name;
      return status;
    },
  });
}

const bytes = (text: string) => Buffer.from(text);

async function fill(outbox: DatagramOutbox): Promise<number> {
  let count = 0;
  while (!outbox.isHolding) {
    outbox.push(bytes(`full ${count++}`), 0, CONNECTED, null);
    await Promise.resolve();
    await Promise.resolve();
  }
  return count;
}

describe("the modes of a socket", () => {
  test("change when what was pushed before has left, and not where they are in force", () => {
    const { outbox } = sending();
    const log: string[] = [];
    const mode = modes(log);
    const [one, other] = [new Owner(mode("one")), new Owner(mode("other"))];
    for (const owner of [one, one, other, other, one]) {
      outbox.pushIn(bytes("x"), CONNECTED, owner);
      log.push("pushed");
    }
    expect(log).toEqual(["one", "pushed", "pushed", "other", "pushed", "pushed", "one", "pushed"]);
    // The last alone is still to leave: a change has flushed what stood before it.
    expect(outbox.isBusy).toBe(true);
  });

  test("of what waits for room change when its turn has come", async () => {
    const { outbox, receiver } = sending();
    const log: string[] = [];
    const mode = modes(log);
    const count = await fill(outbox);
    const [one, other] = [new Owner(mode("one")), new Owner(mode("other"))];
    for (const owner of [one, other, one]) outbox.pushIn(bytes("x"), CONNECTED, owner);
    outbox.tell(other);
    expect(log).toEqual([]);
    for (let left = count; left > 0; left--) {
      expect(String((await receiver.receive())?.data)).toBe(`full ${count - left}`);
    }
    for (let left = 3; left > 0; left--) expect(String((await receiver.receive())?.data)).toBe("x");
    await until(() => other.isTold);
    expect(log).toEqual(["one", "other", "one"]);
    expect([one.errors, other.errors]).toEqual([[], []]);
  });

  test("that the system refuses are told to who wants them, and the next one leaves", async () => {
    const { outbox, receiver } = sending();
    const log: string[] = [];
    const mode = modes(log);
    const refused = new Owner(mode("refused", -22));
    outbox.pushIn(bytes("not sent"), CONNECTED, refused);
    outbox.push(bytes("sent"), 0, CONNECTED, null);
    expect(String((await receiver.receive())?.data)).toBe("sent");
    expect(refused.errors).toEqual([-22]);
  });
});

describe("what waits for room", () => {
  test("is forgotten of one owner, who is told nothing; the others keep their order", async () => {
    const { outbox, receiver, drains } = sending();
    const count = await fill(outbox);
    const [gone, stays] = [new Owner(), new Owner()];
    const held = outbox.heldBytes;
    for (const [text, owner] of [
      ["a", stays],
      ["gone", gone],
      ["b", stays],
    ] as const) {
      outbox.push(bytes(text), 0, CONNECTED, owner);
      outbox.tell(owner);
    }
    expect(outbox.heldBytes).toBe(held + 6);
    outbox.forget(gone);
    expect(outbox.heldBytes).toBe(held + 2);
    for (let left = count; left > 0; left--) await receiver.receive();
    expect(String((await receiver.receive())?.data)).toBe("a");
    expect(String((await receiver.receive())?.data)).toBe("b");
    await until(() => stays.isTold);
    expect([gone.isTold, gone.errors, outbox.heldBytes]).toEqual([false, [], 0]);
    await until(() => drains() > 0);
  });

  test("and is all forgotten counts as room again, but not at once", async () => {
    const { outbox, drains } = sending();
    await fill(outbox);
    const owner = new Owner();
    // What filled it is nobody's; so it is taken away first.
    outbox.cancel(-125);
    await Promise.resolve();
    const before = drains();
    outbox.push(bytes("x"), 0, CONNECTED, owner);
    await until(() => outbox.isHolding);
    outbox.forget(owner);
    expect(drains()).toBe(before);
    await until(() => drains() === before + 1);
    expect(outbox.isBusy).toBe(false);
  });
});
