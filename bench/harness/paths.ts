// Where the benchmark keeps things. Nothing else names these folders.
import { fileURLToPath } from "node:url";

const at = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** The project. */
export const ROOT = at("../../");
/** Sources of the C programs. */
export const C_SOURCES = at("../c/");
/** Programs that are measured. */
export const SUBJECTS = at("../subjects/");
/** Peers' packages; not in git. */
export const PEERS = at("../.peers/");
/** Compiled programs and results; not in git. */
export const OUTPUT = at("../../build/bench/");
/** What `report` reads when no file is named. HAWSER_BENCH_RESULTS names another. */
export const RESULTS_FILE =
  process.env.HAWSER_BENCH_RESULTS ?? at("../../build/bench/results.json");
/** Where `report` writes unless told otherwise. */
export const REPORT_FILE = at("../../build/bench/report.html");
/** The package as it is published. */
export const PACKAGE_ENTRY = at("../../dist/index.js");
