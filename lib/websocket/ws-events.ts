// The event target of the `ws` package's class: listeners in the browser's manner over an emitter.
// Not here: when events come (ws-socket.ts).

import { EventEmitter } from "node:events";

type Listener = (...args: unknown[]) => void;
/** What listeners in the browser's manner get. */
export interface WsEvent {
  readonly type: string;
  readonly target: WsEventTarget;
}
type EventListener = ((event: WsEvent) => unknown) | { handleEvent(event: WsEvent): unknown };
type Named = "open" | "message" | "close" | "error";

interface Wrapped {
  readonly original: EventListener;
  readonly isAttribute: boolean;
  readonly listener: Listener;
}

const MAKERS: Readonly<Record<Named, (...args: unknown[]) => object>> = {
  open: () => ({}),
  message: (data, isBinary) => ({ data: isBinary === true ? data : String(data) }),
  close: (code, reason) => ({ code, reason: String(reason) }),
  error: (error) => ({ error, message: (error as Error).message }),
};

export class WsEventTarget extends EventEmitter {
  readonly #wrapped = new Map<Named, Wrapped[]>();

  /** @internal What the close event says besides. */
  protected wasClean(): boolean {
    return false;
  }

  addEventListener(
    type: string,
    listener: EventListener,
    options: { readonly once?: boolean } = {},
  ): void {
    if (!(type in MAKERS)) return;
    const known = this.#wrapped.get(type as Named) ?? [];
    if (known.some((one) => one.original === listener && !one.isAttribute)) return;
    this.#add(type as Named, listener, false, options.once === true);
  }

  removeEventListener(type: string, listener: EventListener): void {
    this.#remove(type as Named, (one) => one.original === listener && !one.isAttribute);
  }

  #add(type: Named, original: EventListener, isAttribute: boolean, once: boolean): void {
    const listener: Listener = (...args) => {
      if (once) this.#remove(type, (one) => one.listener === listener);
      const extra = type === "close" ? { wasClean: this.wasClean() } : {};
      const event = { type, target: this, ...MAKERS[type](...args), ...extra };
      if (typeof original === "function") original.call(this, event);
      else original.handleEvent(event);
    };
    const list = this.#wrapped.get(type);
    if (list === undefined) this.#wrapped.set(type, [{ original, isAttribute, listener }]);
    else list.push({ original, isAttribute, listener });
    this.on(type, listener);
  }

  #remove(type: Named, matches: (one: Wrapped) => boolean): void {
    const list = this.#wrapped.get(type);
    const index = list?.findIndex(matches) ?? -1;
    if (list === undefined || index < 0) return;
    const [one] = list.splice(index, 1);
    if (one !== undefined) this.off(type, one.listener);
  }

  /** @internal */
  protected getAttribute(type: Named): EventListener | null {
    return this.#wrapped.get(type)?.find((one) => one.isAttribute)?.original ?? null;
  }

  /** @internal */
  protected setAttribute(type: Named, listener: unknown): void {
    this.#remove(type, (one) => one.isAttribute);
    if (typeof listener === "function") this.#add(type, listener as EventListener, true, false);
  }

  get onopen(): EventListener | null {
    return this.getAttribute("open");
  }

  set onopen(listener: EventListener | null) {
    this.setAttribute("open", listener);
  }

  get onmessage(): EventListener | null {
    return this.getAttribute("message");
  }

  set onmessage(listener: EventListener | null) {
    this.setAttribute("message", listener);
  }

  get onclose(): EventListener | null {
    return this.getAttribute("close");
  }

  set onclose(listener: EventListener | null) {
    this.setAttribute("close", listener);
  }

  get onerror(): EventListener | null {
    return this.getAttribute("error");
  }

  set onerror(listener: EventListener | null) {
    this.setAttribute("error", listener);
  }
}
