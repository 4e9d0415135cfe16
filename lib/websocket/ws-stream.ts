// `createWebSocketStream` of the `ws` package: a WebSocket as a Duplex.

import { Duplex, type DuplexOptions } from "node:stream";
import type { WsSocket } from "./ws-socket.ts";

/** Each chunk written is a message; what is read are the messages' bytes. */
export function createWebSocketStream(socket: WsSocket, options: DuplexOptions = {}): Duplex {
  let wantsDestroy = true;
  const duplex = new Duplex({
    ...options,
    autoDestroy: false,
    emitClose: false,
    objectMode: false,
    writableObjectMode: false,
    read() {
      if (socket.isPaused) socket.resume();
    },
    write(chunk, _encoding, callback) {
      whenOpen(socket, () => socket.send(chunk, callback));
    },
    final(callback) {
      whenOpen(socket, () => {
        if (socket.readyState === socket.CLOSED) {
          callback();
          if (duplex.readableEnded) duplex.destroy();
          return;
        }
        socket.once("close", () => callback());
        socket.close();
      });
    },
    destroy(error, callback) {
      if (socket.readyState === socket.CLOSED) {
        callback(error);
        process.nextTick(() => duplex.emit("close"));
        return;
      }
      let wasCalled = false;
      socket.once("error", (reason) => {
        wasCalled = true;
        callback(reason as Error);
      });
      socket.once("close", () => {
        if (!wasCalled) callback(error);
        process.nextTick(() => duplex.emit("close"));
      });
      if (wantsDestroy) socket.terminate();
    },
  });
  duplex.on("end", () => {
    if (!duplex.destroyed && duplex.writableFinished) duplex.destroy();
  });
  duplex.once("error", () => {});
  socket.on("message", (message: Buffer, isBinary: boolean) => {
    const data = !isBinary && duplex.readableObjectMode ? message.toString() : message;
    if (!duplex.push(data)) socket.pause();
  });
  socket.once("error", (error: Error) => {
    if (duplex.destroyed) return;
    wantsDestroy = false;
    duplex.destroy(error);
  });
  socket.once("close", () => {
    if (!duplex.destroyed) duplex.push(null);
  });
  return duplex;
}

function whenOpen(socket: WsSocket, action: () => void): void {
  if (socket.readyState === socket.CONNECTING) socket.once("open", action);
  else action();
}
