// Events of the WHATWG's WebSocket, and event handler attributes (`onopen` and the like).
// Not here: when they are fired (websocket.ts).

/** https://websockets.spec.whatwg.org/#the-closeevent-interface; global from Node 23 on. */
export class CloseEvent extends Event {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;

  constructor(
    type: string,
    init: { readonly code?: number; readonly reason?: string; readonly wasClean?: boolean } = {},
  ) {
    super(type, init as ConstructorParameters<typeof Event>[1]);
    this.code = init.code ?? 0;
    this.reason = init.reason ?? "";
    this.wasClean = init.wasClean ?? false;
  }
}

/** A plain `error` event, with what is known of why. */
export class ErrorEvent extends Event {
  readonly error: unknown;
  readonly message: string;

  constructor(type: string, init: { readonly error?: unknown; readonly message?: string } = {}) {
    super(type, init as ConstructorParameters<typeof Event>[1]);
    this.error = init.error;
    this.message = init.message ?? "";
  }
}

// biome-ignore lint/suspicious/noExplicitAny: a handler of any event
type Handler = ((event: any) => unknown) | null;

/** Event handler attributes: each keeps its place among the listeners when it is set again. */
export class HandlerAttributes {
  readonly #target: EventTarget;
  readonly #handlers = new Map<
    string,
    { current: Handler; readonly listener: (event: Event) => unknown }
  >();

  constructor(target: EventTarget) {
    this.#target = target;
  }

  get(type: string): Handler {
    return this.#handlers.get(type)?.current ?? null;
  }

  /** What is no function counts as null (Web IDL, LegacyTreatNonObjectAsNull). */
  set(type: string, value: unknown): void {
    const handler = typeof value === "function" ? (value as Handler) : null;
    const known = this.#handlers.get(type);
    if (known !== undefined && handler !== null) {
      known.current = handler;
    } else if (known !== undefined) {
      this.#target.removeEventListener(type, known.listener);
      this.#handlers.delete(type);
    } else if (handler !== null) {
      const entry = {
        current: handler as Handler,
        listener: (event: Event) => entry.current?.call(this.#target, event),
      };
      this.#handlers.set(type, entry);
      this.#target.addEventListener(type, entry.listener);
    }
  }
}
