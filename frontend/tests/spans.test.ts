import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, duration, isoDuration, relative } from "../src/lib/spans";

test("a length of time reads as people say it", () => {
  const cases: [number, string][] = [
    [-5, "0 ms"],
    [949, "949 ms"],
    [950, "0.9 s"],
    [7600, "7.6 s"],
    [59_949, "59.9 s"],
    [59_960, "1 m 0 s"],
    [79_000, "1 m 19 s"],
    [3_600_000, "1 h 0 m"],
    [90_061_000, "1 d 1 h"],
  ];
  for (const [ms, text] of cases) assert.equal(duration(ms), text, String(ms));
});

test("what people type for a duration becomes ISO 8601", () => {
  const cases: [string, string | null][] = [
    ["1h 30m", "PT1H30M"],
    ["90 minutes", "PT90M"],
    ["2 days", "P2D"],
    ["1 Stunde, 5 Minuten", "PT1H5M"],
    ["1.5 s", "PT1.5S"],
    ["1,5 sek", "PT1.5S"],
    ["PT1H30M", "PT1H30M"],
    ["pt5m", "PT5M"],
    ["P1DT2H", "P1DT2H"],
    ["1.5h", null],
    ["P", null],
    ["PT", null],
    ["soon", null],
    ["", null],
    ["5", null],
    ["1h 2h", null],
  ];
  for (const [typed, iso] of cases) assert.equal(isoDuration(typed), iso, typed);
});

test("relative times name the largest whole unit", () => {
  assert.equal(relative(-10_000, "en"), "now");
  assert.equal(relative(-180_000, "en"), "3 minutes ago");
  assert.equal(relative(-50_000, "en"), "1 minute ago");
  assert.equal(relative(2 * 86_400_000, "en"), "in 2 days");
  assert.equal(relative(-3 * 3_600_000, "de"), "vor 3 Stunden");
});

test("sizes have at most three figures", () => {
  assert.equal(bytes(999), "999 B");
  assert.equal(bytes(1000), "1.0 kB");
  assert.equal(bytes(212_400), "212 kB");
  assert.equal(bytes(999_600), "1.0 MB");
  assert.equal(bytes(10_000_000), "10 MB");
});
