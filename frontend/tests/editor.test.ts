import assert from "node:assert/strict";
import { test } from "node:test";
import { diagnostics, syntaxErrors, taskAt, taskPlaces } from "../src/lib/flow-model";
import { SchemaIndex } from "../src/lib/schema";
import { contextAt } from "../src/lib/yaml-context";

const FLOW = `id: demo
namespace: company.team
inputs:
  - id: name
    type: STRING
tasks:
  - id: first
    type: core.log.Log
    message: hi
  - id: both
    type: core.flow.Parallel
    tasks:
      - id: inner
        type: core.http.Request
        uri: https://x.example
errors:
  - id: oops
    type: core.log.Log
`;

/** The cursor stands where the bar is. */
function at(text: string) {
  const pos = text.indexOf("|");
  const context = contextAt(text.replace("|", ""), pos);
  return {
    path: context.path.join("/"),
    key: context.key,
    typing: context.typing,
    type: context.typeAt(context.path),
  };
}

test("the cursor knows where it is", () => {
  const cases: [string, string, string | null, string][] = [
    ["|", "", null, "key"],
    ["id: a\n|", "", null, "key"],
    ["id: |", "", "id", "value"],
    ["id: a|b", "", "id", "value"],
    ["na|mespace: a", "", "namespace", "key"],
    ["tasks:\n  - |", "tasks/0", null, "key"],
    ["tasks:\n  - id: |", "tasks/0", "id", "value"],
    ["tasks:\n  - id: a\n    |", "tasks/0", null, "key"],
    ["tasks:\n  - id: a\n    type: |", "tasks/0", "type", "value"],
    ["tasks:\n  - id: a\n  - id: b\n    ty|", "tasks/1", null, "key"],
    ["tasks:\n  - id: a\n    tasks:\n      - id: b\n        |", "tasks/0/tasks/0", null, "key"],
    ["tasks:\n  - id: a\n    retry:\n      |", "tasks/0/retry", null, "key"],
    ["tasks:\n- id: a\n  type: |", "tasks/0", "type", "value"],
    ["inputs:\n  - id: a\n    type: |\ntasks: []", "inputs/0", "type", "value"],
    ["tasks:\n  - id: a\n\n  # a remark\n  - |", "tasks/1", null, "key"],
    ["a:\n  b:\n    c: |", "a/b", "c", "value"],
    ["a:\n  b:\n    c: 1\n  |", "a", null, "key"],
  ];
  for (const [text, path, key, typing] of cases) {
    const found = at(text);
    assert.deepEqual([found.path, found.key, found.typing], [path, key, typing], JSON.stringify(text));
  }
});

test("the type of the task around the cursor is known above and below it", () => {
  assert.equal(at("tasks:\n  - id: a\n    type: core.log.Log\n    |").type, "core.log.Log");
  assert.equal(at("tasks:\n  - id: a\n    |\n    type: core.log.Log").type, "core.log.Log");
  assert.equal(at('tasks:\n  - id: a\n    type: "x.Y"\n    |').type, "x.Y");
});

test("each task is found by its id, inside other tasks too; inputs are none", () => {
  const places = taskPlaces(FLOW);
  assert.deepEqual([...places.keys()], ["first", "both", "inner", "oops"]);
  assert.equal(taskAt(places, FLOW.indexOf("uri:")), "inner");
  assert.equal(taskAt(places, FLOW.indexOf("core.flow.Parallel")), "both");
  assert.equal(taskAt(places, 2), undefined);
});

test("broken YAML is said with its line, and nothing throws", () => {
  assert.equal(syntaxErrors(FLOW).length, 0);
  const errors = syntaxErrors("id: [a\ntasks: b");
  assert.ok(errors.length > 0);
  assert.ok(errors.every((error) => error.from <= error.to && error.to <= 15));
  for (let i = 0; i <= FLOW.length; i += 3) {
    syntaxErrors(FLOW.slice(0, i));
    taskPlaces(FLOW.slice(0, i));
    contextAt(FLOW, i);
  }
});

test("a problem of the server marks the word at its place", () => {
  const [found] = diagnostics(FLOW, [
    { line: 15, column: 9, message: "Unknown property.", mend: "Did you mean url?" },
  ]);
  assert.equal(FLOW.slice(found!.from, found!.to), "uri");
  assert.equal(found!.message, "Unknown property. Did you mean url?");
  assert.equal(found!.level, "error");
});

test("problems outside the text stay inside it", () => {
  for (const place of [
    { line: 999, column: 999 },
    { line: 0, column: 0 },
    { line: null, column: null },
  ]) {
    const [found] = diagnostics("id: a", [{ ...place, message: "x", warning: true }]);
    assert.ok(found!.from >= 0 && found!.to <= 5 && found!.from <= found!.to);
    assert.equal(found!.level, "warning");
  }
});

test("the schema is found through references, choices and nulls", () => {
  const index = new SchemaIndex({
    properties: { tasks: { type: "array", items: { $ref: "#/$defs/task" } } },
    $defs: {
      task: { oneOf: [{ $ref: "#/$defs/log" }] },
      log: {
        properties: {
          type: { const: "core.log.Log" },
          retry: { description: "Tries", anyOf: [{ $ref: "#/$defs/retry" }, { type: "null" }] },
        },
      },
      retry: { type: "object", properties: { maxAttempts: { type: "integer" } } },
    },
  });
  const found = index.at(["tasks", 0, "retry", "maxAttempts"], () => "core.log.Log");
  assert.equal(found?.type, "integer");
  assert.equal(index.at(["tasks", 0, "retry"], () => "core.log.Log")?.description, "Tries");
  assert.equal(
    index.at(["tasks", 0, "nothing"], () => "core.log.Log"),
    undefined,
  );
});
