// Whether text stands out from what is behind it (WCAG 2.2, success criterion 1.4.3), asked of a
// page as it is drawn. Not here: which colours there are (lib/cli/start/page/style.css).

import type { Tab } from "./support.ts";

/** For text of any size; what is large could do with less. */
const LEAST_RATIO = 4.5;

// Relative luminance and contrast as WCAG defines them. Disabled controls are exempt there.
const FINDINGS = `(() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const groundOf = (node) => {
    for (let at = node; at !== null; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  let seen = 0;
  for (const node of document.body.querySelectorAll("*")) {
    const hasText = [...node.childNodes].some(
      (child) => child.nodeType === 3 && child.data.trim() !== "");
    if (!hasText && !(node.value > "")) continue;
    if (node.closest("noscript, script, .visually-hidden, :disabled")) continue;
    seen++;
    const style = getComputedStyle(node);
    const colour = parse(node instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [luminance(colour), luminance(groundOf(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < ${LEAST_RATIO}) {
      found.push(node.tagName + " " + node.textContent.trim() + " " + ratio.toFixed(2));
    }
  }
  return seen > 30 ? found : ["only " + seen + " texts seen"];
})()`;

/** Texts that do not, with their ratio; empty where all is well. */
export function contrastFindings(tab: Tab): Promise<string[]> {
  return tab.evaluate<string[]>(FINDINGS);
}
