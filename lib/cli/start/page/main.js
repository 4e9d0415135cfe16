// The page: what the server reports goes to the cards and the plot, what a person does goes to the
// server, and changes are told to who cannot see them.
// Not here: drawing (cards.js, plot.js), the page's own connection (echo.js).

import { Cards, nameOf } from "./cards.js";
import { EchoLink } from "./echo.js";
import { latency } from "./format.js";
import { Plot } from "./plot.js";

/** Messages kept in the list. */
const MAX_MESSAGES = 20;
/** How often what is shown of time is renewed, in milliseconds. */
const CLOCK_MS = 500;

const $ = (id) => document.getElementById(id);
const origin = location.origin.replace(/^http/, "ws");

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function setState(node, textNode, state, text) {
  node.dataset.state = state;
  setText(textNode, text);
}

/** To who listens instead of looking. */
function announce(text) {
  $("announcer").textContent = text;
}

// ------------------------------------------------------------------------- the page's own WebSocket

let label = "";
let link = null;

function connect() {
  label = `page-${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}`;
  link = new EchoLink(`${origin}/?as=${label}`, { changed: showLink, message: showEcho });
  setText($("verdict"), "Nothing has been noticed.");
  $("verdict").dataset.state = "none";
  showLink(link);
}

const LINK_WORDS = {
  connecting: "connecting",
  alive: "alive",
  quiet: "no answer",
  dead: "dead",
  closed: "closed",
};
let lastLinkState = "";

function showLink(changed) {
  if (changed !== link) return;
  const { state } = changed;
  setState($("link"), $("link-text"), state, LINK_WORDS[state]);
  if (state === lastLinkState) return;
  lastLinkState = state;
  const isOpen = state === "alive" || state === "quiet";
  const focused = document.activeElement;
  $("send-button").disabled = !isOpen;
  showSwitch();
  $("again").disabled = isOpen || state === "connecting";
  // Who has just used what is of no use now goes on with what is.
  if (focused?.disabled && !$("again").disabled) $("again").focus();
  if (state === "alive") announce("This page's WebSocket is alive.");
  else if (state === "quiet") judge("quiet", "No answer to the heartbeat so far.");
  else if (state === "dead") tellDeath(changed);
  else if (state === "closed") judge("closed", wordsFor(changed.code));
}

// 1006: no Close has come (RFC 6455 section 7.1.5).
function wordsFor(code) {
  if (code === 1_006) return "The connection is gone, without a Close (1006).";
  return `The server has closed it, with code ${code}.`;
}

function tellDeath({ noticedAfterMs }) {
  const seconds = (noticedAfterMs / 1_000).toFixed(1);
  judge(
    "dead",
    `Dead: noticed after ${seconds} s without an answer. TCP still calls it connected.`,
  );
}

function judge(state, text) {
  $("verdict").dataset.state = state;
  setText($("verdict"), text);
  announce(text);
}

function showClock() {
  if (link === null) return;
  const { roundTripMs, heardAt, echoes } = link;
  setText($("link-round-trip"), roundTripMs === null ? "–" : latency(roundTripMs));
  const heard = heardAt === null ? null : (performance.now() - heardAt) / 1_000;
  setText($("link-heard"), heard === null ? "–" : `${heard.toFixed(1)} s ago`);
  setText($("link-echoes"), String(echoes));
}

function showMessage(text, direction) {
  const item = document.createElement("li");
  item.dataset.direction = direction;
  const word = document.createElement("span");
  word.className = "direction";
  word.textContent = direction === "out" ? "sent" : "echo";
  item.append(word, text);
  const log = $("log");
  log.append(item);
  if (log.children.length > MAX_MESSAGES) log.firstElementChild.remove();
  log.scrollTop = log.scrollHeight;
}

function showEcho(text) {
  showMessage(text, "in");
  showClock();
}

$("send").addEventListener("submit", (event) => {
  event.preventDefault();
  const input = $("message");
  if (input.value === "" || !link.send(input.value)) return;
  showMessage(input.value, "out");
  input.select();
});

$("again").addEventListener("click", () => {
  const ours = ownFacts();
  // The end that was left is answered again, so that it comes to its own end.
  if (ours?.isSilent) command({ do: "silence", id: ours.id, on: false });
  if (monitor.readyState !== WebSocket.OPEN) watch();
  link.close();
  connect();
  $("message").focus();
});

// ------------------------------------------------------------------------------ the server's reports

let monitor;
let reported = [];
const states = new Map();

function command(what) {
  if (monitor.readyState === WebSocket.OPEN) monitor.send(JSON.stringify(what));
}

const cards = new Cards($("cards"), $("ended"), {
  silence: (id, on) => command({ do: "silence", id, on }),
  close: (id) => command({ do: "close", id }),
});
const plot = new Plot($("plot"), $("plot-summary"));

function watch() {
  monitor = new WebSocket(`${origin}/monitor`);
  monitor.onopen = () => setState($("server"), $("server-text"), "ready", "Service is up");
  monitor.onmessage = ({ data }) => showReport(JSON.parse(data));
  monitor.onclose = ({ code }) => {
    const text = code === 1_001 ? "Service has said goodbye (1001)" : `Service is gone (${code})`;
    setState($("server"), $("server-text"), "failed", text);
    $("client").disabled = true;
    announce(text);
  };
}

function showReport({ open, connections, tcp, isSample }) {
  reported = connections.map((facts) => ({ ...facts, isOurs: facts.label === label }));
  plot.show(reported, isSample);
  cards.update(reported, (id) => plot.seriesOf(id));
  const hidden = open - reported.filter(({ isOver }) => !isOver).length;
  setText($("count"), `${open} open${hidden > 0 ? `, ${hidden} of them not shown` : ""}`);
  setText($("try"), tcp);
  $("empty").hidden = open > 0;
  $("past").hidden = reported.every(({ isOver }) => !isOver);
  $("client").disabled = false;
  showSwitch();
  tellChanges();
}

function ownFacts() {
  return reported.find((facts) => facts.isOurs && !facts.isOver);
}

// Of use while this page's connection is open and the server has told of it.
function showSwitch() {
  const ours = ownFacts();
  const isOpen = link.state === "alive" || link.state === "quiet";
  $("silence").disabled = !isOpen || ours === undefined;
  $("silence").setAttribute("aria-checked", String(ours?.isSilent === true));
}

// States that others have come to since the last report; our own is told above.
function tellChanges() {
  for (const facts of reported) {
    const before = states.get(facts.id);
    states.set(facts.id, facts.state);
    if (facts.isOurs || before === undefined || before === facts.state) continue;
    const why = facts.history.at(-1)?.note ?? "";
    announce(`${nameOf(facts)}: ${facts.state}${why === "" ? "" : `, ${why}`}.`);
  }
  const known = new Set(reported.map(({ id }) => id));
  for (const id of states.keys()) if (!known.has(id)) states.delete(id);
}

$("silence").addEventListener("click", () => {
  const ours = ownFacts();
  if (ours !== undefined) command({ do: "silence", id: ours.id, on: !ours.isSilent });
});
$("client").addEventListener("click", () => command({ do: "client" }));

watch();
connect();
setInterval(showClock, CLOCK_MS);
