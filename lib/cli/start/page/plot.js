// Round-trip times of the last minute as lines, in SVG, on a logarithmic scale: one page shows a
// loopback and the other side of the world. Not here: where they come from (main.js).

import { decades, latency } from "./format.js";

/** Samples of one line; the server reports twice a second. */
const SAMPLES = 120;
/** Lines that can be told apart. Further connections have none. */
export const SERIES = 6;
const HEIGHT = 180;
const MARGIN = { left: 58, right: 10, top: 12, bottom: 22 };
const SVG = "http://www.w3.org/2000/svg";

function element(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  if (text !== "") made.textContent = text;
  return made;
}

export class Plot {
  #svg = element("svg", { role: "img", "aria-labelledby": "plot-title plot-summary" });
  #summary;
  /** By the connection's id. */
  #lines = new Map();
  #width = 0;

  /** @param {HTMLElement} holder @param {HTMLElement} summary says in words what is drawn */
  constructor(holder, summary) {
    this.#summary = summary;
    holder.append(this.#svg);
    new ResizeObserver(([entry]) => {
      this.#width = Math.round(entry.contentRect.width);
      this.#draw();
    }).observe(holder);
  }

  /** The class of a connection's line; null where it has none. */
  seriesOf(id) {
    const line = this.#lines.get(id);
    return line === undefined ? null : `series-${line.series}`;
  }

  /**
   * One report. A sample is added to each line, and what is not in it any more moves on to the left;
   * without one, lines begin at most.
   */
  show(connections, isSample) {
    const times = new Map();
    for (const { id, roundTripMs } of connections) {
      if (roundTripMs !== null) times.set(id, roundTripMs);
    }
    for (const [id, ms] of times) if (!this.#lines.has(id)) this.#begin(id, ms);
    if (isSample) this.#add(times);
    this.#draw();
    this.#describe([...times.values()]);
  }

  #add(times) {
    for (const [id, { samples }] of this.#lines) {
      samples.push(times.get(id) ?? null);
      if (samples.length > SAMPLES) samples.shift();
      if (samples.every((sample) => sample === null)) this.#lines.delete(id);
    }
  }

  #begin(id, ms) {
    const taken = new Set([...this.#lines.values()].map(({ series }) => series));
    const series = Array.from({ length: SERIES }, (_, index) => index).find((n) => !taken.has(n));
    if (series !== undefined) this.#lines.set(id, { series, samples: [ms] });
  }

  #describe(times) {
    if (times.length === 0) {
      this.#summary.textContent = "No connection is open.";
      return;
    }
    const [least, most] = [Math.min(...times), Math.max(...times)].map(latency);
    this.#summary.textContent =
      times.length === 1
        ? `Now: ${most}.`
        : `Now: ${least} to ${most}, ${times.length} connections.`;
  }

  #draw() {
    const width = this.#width;
    if (width <= MARGIN.left + MARGIN.right) return;
    const inner = width - MARGIN.left - MARGIN.right;
    const depth = HEIGHT - MARGIN.top - MARGIN.bottom;
    const all = [...this.#lines.values()].flatMap(({ samples }) => samples);
    const marks = decades(all.filter((sample) => sample !== null));
    const [least, most] = [marks[0], marks.at(-1)].map(Math.log10);
    const x = (age) => MARGIN.left + inner * (1 - age / (SAMPLES - 1));
    const y = (ms) => {
      const share = (Math.log10(ms) - least) / (most - least);
      return MARGIN.top + depth * (1 - Math.max(0, share));
    };
    const svg = this.#svg;
    svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    svg.replaceChildren(...axes(marks, x, y));
    for (const { series, samples } of this.#lines.values()) {
      svg.append(element("path", { class: `line series-${series}`, d: pathOf(samples, x, y) }));
    }
  }
}

function axes(marks, x, y) {
  const parts = [];
  for (const mark of marks) {
    const at = y(mark);
    parts.push(element("line", { class: "grid", x1: x(SAMPLES - 1), x2: x(0), y1: at, y2: at }));
    const place = { x: MARGIN.left - 8, y: at + 4, "text-anchor": "end" };
    parts.push(element("text", place, latency(mark)));
  }
  const below = HEIGHT - 4;
  parts.push(element("text", { x: x(SAMPLES - 1), y: below }, "1 min ago"));
  parts.push(element("text", { x: x(0), y: below, "text-anchor": "end" }, "now"));
  return parts;
}

// A gap where there was no sample.
function pathOf(samples, x, y) {
  let path = "";
  let isDrawn = false;
  samples.forEach((sample, index) => {
    if (sample !== null) {
      const age = samples.length - 1 - index;
      path += `${isDrawn ? "L" : "M"}${x(age).toFixed(1)} ${y(sample).toFixed(1)}`;
    }
    isDrawn = sample !== null;
  });
  return path;
}
