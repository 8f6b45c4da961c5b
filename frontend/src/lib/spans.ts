import { language } from "./texts";

/** 7.6 in English pages, 7,6 in German ones. */
function tenths(value: number): string {
  return Number(value.toFixed(1)).toLocaleString(language(), {
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  });
}

/** Times as people read them. */
export function duration(ms: number): string {
  if (ms < 950) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 59_950) return `${tenths(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${seconds % 60} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${minutes % 60} m`;
  const hours = Math.floor(minutes / 60);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const UNITS: [RegExp, keyof Parts][] = [
  [/^(d|day|days|tag|tage|tagen)$/, "days"],
  [/^(h|hour|hours|std|stunde|stunden)$/, "hours"],
  [/^(m|min|mins|minute|minutes|minuten)$/, "minutes"],
  [/^(s|sec|secs|second|seconds|sek|sekunde|sekunden)$/, "seconds"],
];
interface Parts {
  days: number;
  hours: number;
  minutes: number;
  seconds: number;
}

/** "1h 30m", "90 minutes", "2 days" -> "PT1H30M", "PT90M", "P2D"; null when it is not understood (ISO stays as it is). */
export function isoDuration(text: string): string | null {
  const plain = text.trim().toLowerCase();
  if (/^-?p(?=.)(\d+w)?(\d+d)?(t(?=.)(\d+h)?(\d+m)?(\d+(\.\d+)?s)?)?$/.test(plain))
    return plain.toUpperCase();
  const parts: Partial<Parts> = {};
  const rest = plain.replace(/(\d+(?:[.,]\d+)?)\s*([a-z]+)[\s,]*/g, (whole, amount: string, unit: string) => {
    const name = UNITS.find(([pattern]) => pattern.test(unit))?.[1];
    if (!name || parts[name] !== undefined) return whole;
    parts[name] = Number(amount.replace(",", "."));
    return "";
  });
  const whole = (value: number | undefined) => value === undefined || Number.isInteger(value);
  if (rest || !Object.keys(parts).length) return null;
  if (!whole(parts.days) || !whole(parts.hours) || !whole(parts.minutes)) return null;
  const time =
    (parts.hours !== undefined ? `${parts.hours}H` : "") +
    (parts.minutes !== undefined ? `${parts.minutes}M` : "") +
    (parts.seconds !== undefined ? `${parts.seconds}S` : "");
  return `P${parts.days !== undefined ? `${parts.days}D` : ""}${time ? `T${time}` : ""}`;
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

/** "3 minutes ago", "in 2 days", in the page's language; "now" within 45 seconds. */
export function relative(ms: number, language: string): string {
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const seconds = ms / 1000;
  if (Math.abs(seconds) < 45) return format.format(0, "second");
  for (const [unit, size] of STEPS)
    if (Math.abs(seconds) >= size * 0.95) return format.format(Math.round(seconds / size), unit);
  return format.format(Math.sign(seconds), "minute");
}

export function bytes(size: number): string {
  if (size < 1000) return `${size} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = size / 1000;
  let at = 0;
  while (value >= 999.5 && at < units.length - 1) {
    value /= 1000;
    at++;
  }
  return `${value < 10 ? tenths(value) : Math.round(value)} ${units[at]}`;
}
