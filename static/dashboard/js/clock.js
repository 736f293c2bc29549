// Cluster time in the browser: the server's word, carried on at the clock's speed.

export class Clock {
  constructor() {
    this.base = 0;
    this.at = 0;
    this.speed = 1;
    this.paused = false;
  }

  set(now) {
    this.base = now;
    this.at = performance.now();
  }

  rate(speed, paused) {
    if (this.at) this.set(this.now());
    this.speed = speed;
    this.paused = paused;
  }

  now() {
    if (!this.at) return 0;
    const passed = this.paused ? 0 : ((performance.now() - this.at) / 1000) * this.speed;
    return this.base + passed;
  }
}

// 45s, 3m20s, 2h5m, 3d4h: as kubectl writes durations.
export function duration(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 120) return `${s}s`;
  const m = Math.floor(s / 60);
  if (m < 10) return s % 60 ? `${m}m${s % 60}s` : `${m}m`;
  if (m < 180) return `${m}m`;
  const h = Math.floor(m / 60);
  if (h < 8) return m % 60 ? `${h}h${m % 60}m` : `${h}h`;
  if (h < 48) return `${h}h`;
  const d = Math.floor(h / 24);
  if (d < 8) return h % 24 ? `${d}d${h % 24}h` : `${d}d`;
  if (d < 730) return `${d}d`;
  return `${Math.floor(d / 365)}y`;
}

// 12 s, 4:12, 1:02:03: what is left until a moment.
export function countdown(seconds) {
  const s = Math.ceil(seconds);
  if (s <= 0) return "now";
  if (s < 60) return `${s} s`;
  const two = (n) => String(n).padStart(2, "0");
  const m = Math.floor(s / 60);
  if (m < 60) return `${m}:${two(s % 60)}`;
  return `${Math.floor(m / 60)}:${two(m % 60)}:${two(s % 60)}`;
}

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
export const clockText = (moment) => new Date(moment * 1000).toISOString().slice(11, 19);
export const dayText = (moment) => `${DAY.format(moment * 1000)} UTC`;
