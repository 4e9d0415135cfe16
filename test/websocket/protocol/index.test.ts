// What the glue can count on: the values that the core exports, all of them.

import { expect, test } from "vitest";
import * as core from "../../../lib/websocket/protocol/index.ts";

test("the core's public values", () => {
  expect(Object.keys(core).sort()).toEqual([
    "CLOSING_STATES",
    "ClientHandshake",
    "FrameParser",
    "MaskSource",
    "MemoryOutput",
    "PreparedMessage",
    "ProtocolSettings",
    "ServerHandshake",
    "WebSocketProtocol",
    "acceptUpgrade",
    "closeCodes",
    "encodeClosePayload",
    "frameHeaderBytes",
    "isWireCloseCode",
    "limits",
    "readUpgradeRequest",
    "resolveDeflate",
    "resolveLimits",
    "resolveTimeouts",
    "unmask",
    "writeBinaryFrame",
    "writeFrameHeader",
    "writeRefusal",
    "writeTextFrame",
  ]);
});
