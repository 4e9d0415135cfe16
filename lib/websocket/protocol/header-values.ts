// The grammar of header field values that the opening handshake needs: tokens, comma lists and
// extension offers (RFC 9110 section 5.6, RFC 6455 section 9.1). Strings in, values or null out.

import { MAX_EXTENSION_OFFERS, MAX_EXTENSION_PARAMETERS } from "./limits.ts";

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** RFC 9110 section 5.6.2. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Whether a comma list has this token, in any case (RFC 6455 section 4.2.1, items 3 and 4). */
export function listHasToken(list: string, token: string): boolean {
  const wanted = token.toLowerCase();
  return list.split(",").some((each) => trimOws(each).toLowerCase() === wanted);
}

/** Removes optional whitespace: spaces and tabs, nothing else. */
export function trimOws(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isOws(text.charCodeAt(from))) from++;
  while (to > from && isOws(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

function isOws(unit: number): boolean {
  return unit === 0x20 || unit === 0x09;
}

/** A comma list of distinct tokens, or null where it is not one (RFC 6455 section 11.3.4). */
export function parseTokenList(list: string): string[] | null {
  const tokens = list.split(",").map(trimOws);
  if (!tokens.every(isToken) || new Set(tokens).size !== tokens.length) return null;
  return tokens;
}

/** One offer or answer: a parameter without a value is `true`. */
export interface Extension {
  readonly name: string;
  /** In order; a name may come twice here, which is for the extension to judge. */
  readonly parameters: readonly (readonly [name: string, value: string | true])[];
}

/** A reader of one list; every method leaves the index behind what it took. */
class ExtensionReader {
  private at = 0;
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  get ended(): boolean {
    return this.at === this.text.length;
  }

  skipOws(): void {
    while (this.at < this.text.length && isOws(this.text.charCodeAt(this.at))) this.at++;
  }

  takes(character: string): boolean {
    this.skipOws();
    if (this.text[this.at] !== character) return false;
    this.at++;
    this.skipOws();
    return true;
  }

  token(): string | null {
    const start = this.at;
    while (this.at < this.text.length && TOKEN.test(this.text[this.at] as string)) this.at++;
    return this.at === start ? null : this.text.slice(start, this.at);
  }

  /** Section 9.1: after unescaping, a quoted value must be a token as well. */
  quoted(): string | null {
    let value = "";
    while (this.at < this.text.length) {
      const character = this.text[this.at++] as string;
      if (character === '"') return isToken(value) ? value : null;
      if (character !== "\\") value += character;
      else if (this.at < this.text.length) value += this.text[this.at++];
    }
    return null;
  }

  parameter(): readonly [string, string | true] | null {
    const name = this.token();
    if (name === null) return null;
    if (!this.takes("=")) return [name, true];
    const value = this.takes('"') ? this.quoted() : this.token();
    return value === null ? null : [name, value];
  }
}

/** The value of Sec-WebSocket-Extensions, or null where it is malformed or beyond the limits. */
export function parseExtensions(text: string): Extension[] | null {
  const reader = new ExtensionReader(text);
  const extensions: Extension[] = [];
  do {
    reader.skipOws();
    const name = reader.token();
    if (name === null || extensions.length === MAX_EXTENSION_OFFERS) return null;
    const parameters: (readonly [string, string | true])[] = [];
    while (reader.takes(";")) {
      const parameter = reader.parameter();
      if (parameter === null || parameters.length === MAX_EXTENSION_PARAMETERS) return null;
      parameters.push(parameter);
    }
    extensions.push({ name, parameters });
  } while (reader.takes(","));
  return reader.ended ? extensions : null;
}
