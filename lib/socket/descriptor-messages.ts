// Messages with descriptors (SCM_RIGHTS, unix(7)) over a stream, past the channel's own reads and
// writes. Not here: those (stream-io.ts), the checks of whose socket it is (stream-socket.ts).

import { bytesOf, type SendData } from "../core/byte-stream.ts";
import {
  COPY_THRESHOLD_BYTES,
  MAX_DESCRIPTORS_PER_MESSAGE,
  MAX_MESSAGE_BYTES,
} from "../core/limits.ts";
import { ownedCopy } from "../core/owned-bytes.ts";
import {
  type ErrorContext,
  errnoError,
  errnoOf,
  invalidArgType,
  invalidArgValue,
  invalidState,
  outOfRange,
  requireInteger,
} from "../errors/index.ts";
import { reactor } from "./reactor.ts";
import type { StreamIo } from "./stream-io.ts";

/** What came with one recvmsg(2). */
export interface DescriptorMessage {
  readonly data: Buffer;
  /** Close-on-exec; the caller closes them. */
  readonly fds: readonly number[];
  /** More descriptors came than fit, or than this process may open; the kernel closed the rest. */
  readonly truncated: boolean;
}

const MAX_DESCRIPTOR = 0x7fff_ffff;
const RESULT_COUNT = 0;
const RESULT_TRUNCATED = 1;
const RESULT_FIRST = 2;
const EAGAIN = errnoOf("EAGAIN") as number;

// Read by one call at a time, and copied from before the next.
const result = new Int32Array(RESULT_FIRST + MAX_DESCRIPTORS_PER_MESSAGE);
let scratch: Buffer | undefined;

/**
 * Checks what `sendDescriptors` was given. What is small is copied, since it may be overwritten as
 * soon as the call returns, and the message stands in line.
 *
 * @throws TypeError or RangeError
 */
export function readMessage(data: SendData, fds: readonly number[]): [Uint8Array, Int32Array] {
  const bytes = bytesOf(data);
  if (bytes.length === 0) {
    throw invalidArgValue("data", "must have at least one byte to carry descriptors", data);
  }
  if (!Array.isArray(fds)) throw invalidArgType("fds", "an array of descriptors", fds);
  if (fds.length === 0 || fds.length > MAX_DESCRIPTORS_PER_MESSAGE) {
    const range = `at least 1 and at most ${MAX_DESCRIPTORS_PER_MESSAGE} long`;
    throw outOfRange("fds", range, fds.length);
  }
  const checked = fds.map((fd, at) => requireInteger(fd, `fds[${at}]`, 0, MAX_DESCRIPTOR));
  const kept = bytes.length <= COPY_THRESHOLD_BYTES ? Buffer.from(bytes) : bytes;
  return [kept, Int32Array.from(checked)];
}

/** Sends one message; its descriptors go with its first byte. */
export async function sendMessage(
  io: StreamIo,
  bytes: Uint8Array,
  fds: Int32Array,
  place: () => ErrorContext,
): Promise<void> {
  await io.flushed();
  for (;;) {
    const { slot, generation } = io.channel;
    const taken = reactor.sendDescriptors(slot, generation, bytes, fds, fds.length);
    if (taken >= 0) {
      if (taken < bytes.length) await io.sendRest(bytes.subarray(taken));
      return;
    }
    if (taken !== EAGAIN) throw errnoError(taken, "sendmsg", place());
    await io.untilWritable();
  }
}

/** Receives one message, or null at the end. */
export async function receiveMessage(
  io: StreamIo,
  place: () => ErrorContext,
): Promise<DescriptorMessage | null> {
  for (;;) {
    // What plain reads took ahead comes first; its descriptors, if there were any, are gone.
    const held = io.takeHeld();
    if (held !== undefined) return { data: held, fds: [], truncated: false };
    if (io.isReceivingOver) return io.receive(undefined) as Promise<null>;
    if (io.isReceiving) throw invalidState("receiveDescriptors() cannot be used beside receive()");
    scratch ??= Buffer.allocUnsafeSlow(MAX_MESSAGE_BYTES);
    const { slot, generation } = io.channel;
    const got = reactor.receiveDescriptors(slot, generation, scratch, result);
    if (got === EAGAIN) {
      await io.untilReadable();
    } else if (got < 0) {
      io.fail(errnoError(got, "recvmsg", place()));
    } else if (got === 0) {
      io.end();
    } else {
      const count = result[RESULT_COUNT] as number;
      return {
        data: ownedCopy(scratch, 0, got),
        fds: Array.from(result.subarray(RESULT_FIRST, RESULT_FIRST + count)),
        truncated: result[RESULT_TRUNCATED] === 1,
      };
    }
  }
}
