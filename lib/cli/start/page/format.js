// Numbers as a person reads them. Pure.

/** `84 B`, `1.5 KiB`, `3.2 MiB`. */
export function bytes(count) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = count;
  let unit = 0;
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024;
    unit++;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${units[unit]}`;
}

/** `43 µs`, `1.25 ms`, `812 ms`, `3.4 s`. */
export function latency(ms) {
  if (ms < 0.9995) return `${Math.round(ms * 1_000)} µs`;
  if (ms < 9.995) return `${ms.toFixed(2)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** `4 s`, `3 min 20 s`, `2 h 5 min`. */
export function age(ms) {
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `60 s / 10 s / 3`: silence before the first probe, between probes, and how many. */
export function keepAlive({ idle, interval, count }) {
  return `${idle / 1_000} s / ${interval / 1_000} s / ${count}`;
}

/** The powers of ten around values, from the one below the least to the one above the most. */
export function decades(values) {
  const positive = values.filter((value) => value > 0);
  if (positive.length === 0) return [0.01, 0.1, 1];
  const first = Math.floor(Math.log10(Math.min(...positive)));
  const last = Math.max(Math.ceil(Math.log10(Math.max(...positive))), first + 1);
  return Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index));
}
