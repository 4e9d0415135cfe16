// The WebSocket of this page: messages that come back, a heartbeat beside them, and the verdict on
// a peer that does not answer. Not here: when silence is death (heartbeat.js), what is shown
// (main.js).

import { BEAT_MS, Heartbeat } from "./heartbeat.js";

/** How often it is asked whether the peer is alive, in milliseconds. */
const LOOK_MS = 100;

/**
 * States: `connecting`, `alive`, `quiet` (an answer is late), `dead` (given up), `closed`.
 */
export class EchoLink {
  state = "connecting";
  /** Of the last beat, in milliseconds; null before it. */
  roundTripMs = null;
  heardAt = null;
  echoes = 0;
  /** Of the CloseEvent; null before it. */
  code = null;
  /** How long the peer was silent when it was given up, in milliseconds. */
  noticedAfterMs = null;
  #socket;
  #heart = new Heartbeat();
  #handlers;
  #timers = [];

  /**
   * @param {string} url
   * @param {{ changed(link: EchoLink): void, message(text: string): void }} handlers
   */
  constructor(url, handlers) {
    this.#handlers = handlers;
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#opened();
    socket.onmessage = ({ data }) => this.#received(data);
    socket.onclose = ({ code }) => this.#closed(code);
    this.#socket = socket;
  }

  /** @returns whether it could be sent */
  send(text) {
    if (this.#socket.readyState !== WebSocket.OPEN || this.state === "dead") return false;
    this.#socket.send(text);
    return true;
  }

  /** No more is heard of it. */
  close() {
    this.#stop();
    this.#socket.close(1_000);
  }

  #opened() {
    this.#become("alive");
    this.#beat();
    this.#timers = [
      setInterval(() => this.#beat(), BEAT_MS),
      setInterval(() => this.#look(), LOOK_MS),
    ];
  }

  // Text is the person's, binary is a beat: the time at which it was sent.
  #beat() {
    const now = performance.now();
    this.#socket.send(Float64Array.of(now));
    this.#heart.sent(now);
  }

  #received(data) {
    if (this.state === "dead") return;
    const now = performance.now();
    this.heardAt = now;
    this.#heart.heard();
    if (typeof data === "string") {
      this.echoes++;
      this.#handlers.message(data);
    } else {
      this.roundTripMs = now - (new Float64Array(data)[0] ?? now);
    }
    this.#look();
  }

  #look() {
    const now = performance.now();
    const verdict = this.#heart.judge(now);
    if (verdict === "dead") {
      this.noticedAfterMs = this.#heart.waitedMs(now);
      this.#stop();
      // Nothing more is expected of this peer, a Close of its own included.
      this.#socket.close(4_000, "no answer");
    }
    this.#become(verdict);
  }

  #closed(code) {
    this.code = code;
    this.#stop();
    this.#become(this.state === "dead" ? "dead" : "closed");
  }

  #stop() {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
  }

  #become(state) {
    this.state = state;
    this.#handlers.changed(this);
  }
}
