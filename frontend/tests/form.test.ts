import assert from "node:assert/strict";
import { test } from "node:test";
import { backOff } from "../src/lib/live";
import { accepted } from "../src/lib/files";
import { compare, csvField } from "../src/lib/cells";

test("a file is accepted by its ending or its kind", () => {
  assert.ok(accepted("", "a.exe", ""));
  assert.ok(accepted(".csv,.xlsx", "Report.CSV", ""));
  assert.ok(accepted("image/*", "a.png", "image/png"));
  assert.ok(accepted("application/pdf, .doc", "a", "application/pdf"));
  assert.ok(!accepted(".csv", "a.csv.exe", "text/csv"));
});

test("the back-off grows to fifteen seconds and never stands still", () => {
  assert.equal(backOff(0, 0.5), 400);
  assert.equal(backOff(3, 0.5), 3200);
  assert.equal(backOff(50, 0.5), 15_000);
  assert.equal(backOff(0, 0), 200);
});

test("numbers sort as numbers, words as words", () => {
  assert.ok(compare("9", "10", "en") < 0);
  assert.ok(compare("b", "A", "en") > 0);
  assert.ok(compare("", "1", "en") < 0);
});

test("a CSV field cannot run as a formula", () => {
  assert.equal(csvField("=1+1"), "'=1+1");
  assert.equal(csvField("-3"), "-3");
  assert.equal(csvField('a "b", c'), '"a ""b"", c"');
  assert.equal(csvField("@x"), "'@x");
});
