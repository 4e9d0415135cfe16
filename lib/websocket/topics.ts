// Broadcast: one message to many, encoded and compressed once. What is written here in one turn
// leaves in one crossing. Slow receivers are skipped or closed, never buffered without bound.
// Not here: whose WebSockets they are (hub.ts).

import { bytesOf } from "../core/byte-stream.ts";
import {
  rejectUnknownKeys,
  requireBoolean,
  requireObject,
  requireOneOf,
  requireString,
} from "../errors/index.ts";
import type { SendData } from "../net/types.ts";
import type { WebSocketConnection } from "./connection.ts";
import { closeCodes, type DeflateSettings, PreparedMessage } from "./protocol/index.ts";
import type { BroadcastOptions } from "./types.ts";

type Socket = WebSocketConnection<never>;

const KEYS: ReadonlySet<string> = new Set(["binary", "compress", "slow"]);
const SLOW = ["skip", "close"] as const;

export class Topics {
  readonly #deflate: DeflateSettings | null;
  readonly #subscribers = new Map<string, Set<Socket>>();
  /** The topics of each, to be forgotten with it. */
  readonly #topicsOf = new Map<Socket, Set<string>>();

  /** @param deflate how receivers that negotiated compression get it; null for never */
  constructor(deflate: DeflateSettings | null) {
    this.#deflate = deflate;
  }

  subscribe(topic: string, socket: Socket): void {
    requireString(topic, "topic");
    add(this.#subscribers, topic, socket);
    add(this.#topicsOf, socket, topic);
  }

  unsubscribe(topic: string, socket: Socket): void {
    requireString(topic, "topic");
    remove(this.#subscribers, topic, socket);
    remove(this.#topicsOf, socket, topic);
  }

  /** It is closed. */
  forget(socket: Socket): void {
    for (const topic of this.#topicsOf.get(socket) ?? []) remove(this.#subscribers, topic, socket);
    this.#topicsOf.delete(socket);
  }

  publish(
    topic: string,
    message: SendData,
    options: BroadcastOptions | undefined,
    except: Socket | null,
  ): number {
    const subscribers = this.#subscribers.get(requireString(topic, "topic"));
    return this.send(subscribers ?? NOBODY, message, options, except);
  }

  /** Returns how many it went to. */
  send(
    sockets: ReadonlySet<Socket>,
    message: SendData,
    options: BroadcastOptions = {},
    except: Socket | null,
  ): number {
    const slow = readOptions(options);
    const prepared = this.#prepare(message, options);
    let count = 0;
    for (const socket of sockets) {
      if (socket === except) continue;
      if (!socket.isSlow) {
        if (socket.sendPrepared(prepared)) count++;
      } else if (slow === "close") {
        void socket.close(closeCodes.CLOSE_TRY_AGAIN_LATER, "too slow");
      }
    }
    return count;
  }

  #prepare(message: SendData, { binary, compress = true }: BroadcastOptions): PreparedMessage {
    const data = typeof message === "string" ? message : bytesOf(message);
    return new PreparedMessage(data, {
      ...(binary === undefined ? {} : { binary }),
      ...(compress && this.#deflate !== null ? { deflate: this.#deflate } : {}),
    });
  }
}

const NOBODY: ReadonlySet<Socket> = new Set();

function readOptions(options: BroadcastOptions): "skip" | "close" {
  rejectUnknownKeys(requireObject(options, "options"), KEYS, "publish()");
  if (options.binary !== undefined) requireBoolean(options.binary, "binary");
  if (options.compress !== undefined) requireBoolean(options.compress, "compress");
  return requireOneOf(options.slow ?? "skip", "slow", SLOW);
}

function add<K, V>(map: Map<K, Set<V>>, key: K, value: V): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, new Set([value]));
  else known.add(value);
}

function remove<K, V>(map: Map<K, Set<V>>, key: K, value: V): void {
  const known = map.get(key);
  if (known?.delete(value) && known.size === 0) map.delete(key);
}
