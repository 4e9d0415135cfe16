// What a check of our own finds, and how it is told.

export interface Finding {
  /** The file, relative to the clone. */
  readonly path: string;
  /** From 1. */
  readonly line?: number;
  readonly message: string;
}

export function formatFindings(findings: readonly Finding[]): string {
  return findings
    .map(({ path, line, message }) => `${line ? `${path}:${line}` : path}: ${message}\n`)
    .join("");
}
