// Parts of a message as the application sees them: binary parts are bytes, text parts are strings
// cut at code points. Validates what no one has validated yet (inflated text). One per message.

import { StringDecoder } from "node:string_decoder";
import { Utf8Validator } from "./utf8.ts";

export class PartDecoder {
  private readonly decoder: StringDecoder | null;
  private readonly validator: Utf8Validator | null;

  constructor(isText: boolean, validate: boolean) {
    this.decoder = isText ? new StringDecoder("utf8") : null;
    this.validator = isText && validate ? new Utf8Validator() : null;
  }

  /** The part for the application, or null where the text is not UTF-8. */
  decode(bytes: Buffer, last: boolean): string | Buffer | null {
    const { decoder, validator } = this;
    if (validator !== null) {
      if (!validator.push(bytes, 0, bytes.length) || (last && !validator.complete)) return null;
    }
    return decoder === null ? bytes : decoder.write(bytes);
  }
}
