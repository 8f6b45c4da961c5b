import assert from "node:assert/strict";
import { test } from "node:test";
import { layout, nest, together, typeIcon, type GraphData, type GraphNode } from "../src/lib/graph";

const node = (id: string, parent: string | null = null, branch = "tasks"): GraphNode => ({
  id,
  label: id,
  type: "core.log.Log",
  parent,
  branch,
});

test("children stand inside their parent", () => {
  const [top] = nest([node("p"), node("a", "p"), node("b", "p")]);
  assert.deepEqual(
    top?.children.map((child) => child.id),
    ["a", "b"],
  );
});

test("two branches become two containers, one plain branch none", () => {
  const [choice] = nest([node("if"), node("yes", "if", "then"), node("no", "if", "else")]);
  assert.deepEqual(
    choice?.children.map((child) => [child.id, child.branch]),
    [
      ["if/then", true],
      ["if/else", true],
    ],
  );
});

test("a node with an unknown parent, or that is its own parent, stands at the top", () => {
  assert.deepEqual(
    nest([node("a", "gone"), node("b", "b")]).map((tree) => tree.id),
    ["a", "b"],
  );
});

test("an edge between insides of two containers joins the containers", () => {
  const data: GraphData = {
    nodes: [node("p"), node("a", "p"), node("q"), node("b", "q")],
    edges: [{ from: "a", to: "b" }],
  };
  const { lines } = layout(data);
  assert.deepEqual(
    lines.map((line) => [line.from, line.to]),
    [["p", "q"]],
  );
});

test("edges to a container's own inside and to unknown nodes are left out", () => {
  const data: GraphData = {
    nodes: [node("p"), node("a", "p")],
    edges: [
      { from: "p", to: "a" },
      { from: "a", to: "gone" },
    ],
  };
  assert.equal(layout(data).lines.length, 0);
});

test("no two boxes of one level overlap, and insides stay inside", () => {
  const nodes = [node("p"), ...Array.from({ length: 12 }, (_, i) => node(`t${i}`, i % 2 ? "p" : null))];
  const edges = Array.from({ length: 5 }, (_, i) => ({ from: `t${i * 2}`, to: `t${i * 2 + 2}` }));
  for (const horizontal of [false, true]) {
    const { boxes } = layout({ nodes, edges }, horizontal);
    const parent = boxes.find((box) => box.id === "p")!;
    for (const box of boxes) {
      if (box.node.parent === "p") {
        assert.ok(box.x >= parent.x && box.x + box.w <= parent.x + parent.w);
        assert.ok(box.y >= parent.y && box.y + box.h <= parent.y + parent.h);
      }
      for (const other of boxes) {
        if (other === box || (other.node.parent ?? "") !== (box.node.parent ?? "")) continue;
        const apart =
          box.x + box.w <= other.x ||
          other.x + other.w <= box.x ||
          box.y + box.h <= other.y ||
          other.y + other.h <= box.y;
        assert.ok(apart, `${box.id} lies over ${other.id}`);
      }
    }
  }
});

test("the most urgent state speaks for many", () => {
  assert.equal(together(["SUCCESS", "FAILED", "RUNNING"]), "FAILED");
  assert.equal(together(["SUCCESS", "RUNNING"]), "RUNNING");
  assert.equal(together(["SUCCESS", "SKIPPED"]), "SUCCESS");
  assert.equal(together([]), undefined);
});

test("every task type has an icon", () => {
  assert.equal(typeIcon("core.http.Request"), "globe");
  assert.equal(typeIcon("core.flow.Approval"), "user-check");
  assert.equal(typeIcon("jdbc.duckdb.Query"), "database");
  assert.equal(typeIcon("something.new.Thing"), "cog");
});
