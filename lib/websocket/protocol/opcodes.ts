// The names of the base framing protocol's bits (RFC 6455 section 5.2). Constants only.

export const OPCODE_CONTINUATION = 0x0;
export const OPCODE_TEXT = 0x1;
export const OPCODE_BINARY = 0x2;
export const OPCODE_CLOSE = 0x8;
export const OPCODE_PING = 0x9;
export const OPCODE_PONG = 0xa;

/** First byte of a frame. */
export const FIN_BIT = 0x80;
export const RSV1_BIT = 0x40;
export const RSV2_BIT = 0x20;
export const RSV3_BIT = 0x10;
export const OPCODE_BITS = 0x0f;
/** Opcodes with this bit are control frames (section 5.5). */
export const CONTROL_BIT = 0x08;

/** Second byte of a frame. */
export const MASK_BIT = 0x80;
export const LENGTH_BITS = 0x7f;
/** Length field: the next two bytes hold the length. */
export const LENGTH_16 = 126;
/** Length field: the next eight bytes hold the length. */
export const LENGTH_64 = 127;
