// The list of connections: one card each, which is made once and then changed where something has
// changed, so that the focus stays. Text only: nothing of a peer's becomes markup.
// Not here: where the facts come from (main.js).

import { age, bytes, keepAlive, latency } from "./format.js";

const KINDS = {
  ws: "WebSocket",
  wss: "WebSocket over TLS",
  tcp: "TCP",
  tls: "TLS",
  client: "Client of hawser's",
};

function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className !== "") made.className = className;
  made.append(...children);
  return made;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Makes a switch of a button; the stylesheet draws it. */
function makeSwitch(text) {
  const button = element("button", "switch");
  button.type = "button";
  button.setAttribute("role", "switch");
  button.append(element("span", "track", element("span", "thumb")), text);
  return button;
}

class Card {
  root = element("li", "card");
  #title = element("h3", "");
  #state = element("p", "badge");
  #stateText = element("span", "");
  #swatch = element("span", "swatch");
  #facts = element("dl", "facts");
  #values = new Map();
  #history = element("ol", "history");
  #silence = makeSwitch("Stop answering");
  #close = element("button", "quiet-button", "Close");
  #controls = element("p", "row wrap controls", this.#close);

  constructor(facts, commands) {
    const id = `card-${facts.id}`;
    this.#title.id = id;
    this.root.setAttribute("aria-labelledby", id);
    this.#title.append(this.#swatch, nameOf(facts));
    this.#state.append(element("span", "dot"), this.#stateText);
    this.#history.setAttribute("aria-label", "State history");
    this.#close.type = "button";
    this.#close.setAttribute("aria-label", `Close ${nameOf(facts)}`);
    this.#close.onclick = () => commands.close(facts.id);
    this.#silence.setAttribute("aria-label", `Stop answering ${nameOf(facts)}`);
    this.#silence.onclick = () =>
      commands.silence(facts.id, this.#silence.getAttribute("aria-checked") !== "true");
    // A client's other end is the one to be silenced.
    if (facts.kind !== "client") this.#controls.prepend(this.#silence);
    const heading = element("div", "heading", this.#title, this.#state);
    this.root.append(heading, this.#facts, this.#history, this.#controls);
  }

  update(facts, series) {
    const state = facts.isSilent && !facts.isOver ? "silent" : facts.state;
    this.root.dataset.state = state;
    this.#state.dataset.state = state;
    setText(this.#stateText, state === "silent" ? "not answering" : facts.state);
    this.#swatch.className = `swatch ${series ?? ""}`;
    this.#fact("Age", age(facts.ageMs));
    this.#fact("Received", bytes(facts.bytesIn));
    this.#fact("Sent", bytes(facts.bytesOut));
    const { roundTripMs, roundTripVarianceMs } = facts;
    const spread = roundTripVarianceMs === null ? "" : ` ± ${latency(roundTripVarianceMs)}`;
    this.#fact("Round trip", roundTripMs === null ? "–" : latency(roundTripMs) + spread);
    this.#fact("Keepalive", facts.keepAlive === null ? "off" : keepAlive(facts.keepAlive));
    if (facts.heartbeat !== null) {
      const { interval, timeout } = facts.heartbeat;
      this.#fact("Heartbeat", `${interval / 1_000} s / ${timeout / 1_000} s`);
    }
    this.#silence.setAttribute("aria-checked", String(facts.isSilent));
    this.#controls.hidden = facts.isOver;
    this.#tell(facts.history);
  }

  #fact(name, value) {
    let node = this.#values.get(name);
    if (node === undefined) {
      node = element("dd", "");
      this.#values.set(name, node);
      this.#facts.append(element("div", "", element("dt", "", name), node));
    }
    setText(node, value);
  }

  #tell(history) {
    const lines = history.map(({ event, atMs, note }) => {
      const time = `${(atMs / 1_000).toFixed(1)} s`;
      return { event, text: note === "" ? `${event}` : `${event}: ${note}`, time };
    });
    const known = lines.map(({ text, time }) => `${text}${time}`).join();
    if (this.#history.dataset.known === known) return;
    this.#history.dataset.known = known;
    const items = lines.map(({ text, time }) =>
      element("li", "", element("span", "", text), element("span", "time", time)),
    );
    this.#history.replaceChildren(...items);
  }
}

/** What a connection is called. */
export function nameOf({ kind, label, peer, isOurs }) {
  const name = `${KINDS[kind] ?? kind} ${peer}`;
  if (isOurs) return `${name} (this page)`;
  return label === "" ? name : `${name} (${label})`;
}

export class Cards {
  #open;
  #ended;
  #cards = new Map();
  #commands;

  /**
   * @param {HTMLElement} open the list of those that are open, and
   * @param {HTMLElement} ended of those that are over; the newest is the first in both
   * @param {{ silence(id, on): void, close(id): void }} commands
   */
  constructor(open, ended, commands) {
    this.#open = open;
    this.#ended = ended;
    this.#commands = commands;
  }

  update(connections, seriesOf) {
    const shown = new Set(connections.map(({ id }) => id));
    for (const [id, card] of this.#cards) {
      if (shown.has(id)) continue;
      card.root.remove();
      this.#cards.delete(id);
    }
    for (const facts of connections) {
      let card = this.#cards.get(facts.id);
      if (card === undefined) {
        card = new Card(facts, this.#commands);
        this.#cards.set(facts.id, card);
      }
      const list = facts.isOver ? this.#ended : this.#open;
      if (card.root.parentElement !== list) list.prepend(card.root);
      card.update(facts, seriesOf(facts.id));
    }
  }
}
