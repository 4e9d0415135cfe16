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

/** The next of 1, 2, 5, 10, ... that is not below a value: the end of an axis. */
export function niceCeiling(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= value * 0.999_999) ?? 10;
  return step * power;
}
