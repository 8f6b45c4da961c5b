/** Cells of data tables: order and CSV. */
export function compare(a: string, b: string, locale: string): number {
  const [x, y] = [Number(a), Number(b)];
  if (a.trim() && b.trim() && !Number.isNaN(x) && !Number.isNaN(y)) return x - y;
  return a.localeCompare(b, locale, { numeric: true, sensitivity: "base" });
}

/** Quotes where needed; a leading = + - @ gets an apostrophe, so that a spreadsheet does not run it. */
export function csvField(value: string): string {
  const safe = /^[=+\-@\t\r]/.test(value) && Number.isNaN(Number(value)) ? `'${value}` : value;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
