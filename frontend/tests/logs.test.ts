import assert from "node:assert/strict";
import { test } from "node:test";
import { LogLines, rank, type LogLine } from "../src/lib/logs";

const line = (n: number, at: number, more: Partial<LogLine> = {}): LogLine => ({
  run: "a",
  attempt: 1,
  n,
  at,
  level: "INFO",
  task: "a",
  text: `line ${n}`,
  ...more,
});

test("the same answer applied twice adds nothing", () => {
  const lines = new LogLines();
  const answer = [line(0, 10), line(1, 20), line(0, 15, { run: "b" })];
  assert.equal(lines.add(answer), 3);
  assert.equal(lines.add(answer), 0);
  assert.equal(lines.all.length, 3);
});

test("an overlapping answer adds only its new end", () => {
  const lines = new LogLines();
  lines.add([line(0, 10), line(1, 20)]);
  assert.equal(lines.add([line(1, 20), line(2, 30)]), 1);
});

test("a second attempt counts its lines from the start again", () => {
  const lines = new LogLines();
  lines.add([line(0, 10), line(1, 20)]);
  assert.equal(lines.add([line(0, 30, { attempt: 2 })]), 1);
});

test("late lines of another task find their place in time", () => {
  const lines = new LogLines();
  lines.add([line(0, 10), line(1, 30)]);
  lines.add([line(0, 20, { run: "b", text: "between" })]);
  assert.deepEqual(
    lines.all.map((each) => each.text),
    ["line 0", "between", "line 1"],
  );
  assert.deepEqual(lines.shown, [0, 1, 2]);
});

test("filters by level, task and words hold for lines that come later", () => {
  const lines = new LogLines();
  lines.filter = { level: rank("WARN"), task: "a", text: "boom" };
  lines.add([
    line(0, 1, { level: "ERROR", text: "BOOM" }),
    line(1, 2, { text: "boom" }),
    line(0, 3, { run: "b", task: "b", level: "ERROR", text: "boom" }),
  ]);
  assert.deepEqual(lines.shown, [0]);
});

test("dates as text are understood", () => {
  const lines = new LogLines();
  lines.add([
    line(0, 0, { at: "2026-11-22T10:00:01Z" }),
    line(0, 0, { run: "b", at: "2026-11-22T10:00:00+00:00", text: "first" }),
  ]);
  assert.equal(lines.all[0]?.text, "first");
});

test("200,000 lines are merged and filtered without a stack overflow", () => {
  const lines = new LogLines();
  lines.add(Array.from({ length: 100_000 }, (_, n) => line(n, n * 2)));
  lines.add(Array.from({ length: 100_000 }, (_, n) => line(n, n * 2 + 1, { run: "b" })));
  assert.equal(lines.all.length, 200_000);
  assert.equal(lines.all[1]?.run, "b");
});
