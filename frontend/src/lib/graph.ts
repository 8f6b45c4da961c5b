/** The flow's graph as the server gives it (flat nodes and edges) and its layout: dagre once per container. */
import { Graph, layout as dagre } from "@dagrejs/dagre";

export interface GraphNode {
  id: string;
  label: string;
  type: string;
  kind?: string;
  /** The node this one is inside of, and in which of its branches (tasks, then, else, errors, a case …). */
  parent?: string | null;
  branch?: string | null;
  state?: string | null;
}
export interface GraphEdge {
  from: string;
  to: string;
  label?: string | null;
}
export interface GraphData {
  nodes: GraphNode[];
  edges: GraphEdge[];
}

/** A node with what is inside it; a branch of a container with several is a tree of its own. */
export interface Tree {
  id: string;
  node: GraphNode;
  branch: boolean;
  children: Tree[];
}
export interface Box {
  id: string;
  node: GraphNode;
  group: boolean;
  branch: boolean;
  x: number;
  y: number;
  w: number;
  h: number;
}
export interface Line {
  from: string;
  to: string;
  label: string;
  points: [number, number][];
}
export interface Layout {
  boxes: Box[];
  lines: Line[];
  w: number;
  h: number;
}

const NODE = { down: { w: 204, h: 52 }, right: { w: 176, h: 52 } };
const PAD = { x: 16, top: 34, bottom: 16 };
const NO_BRANCH = new Set(["", "tasks"]);

/** Nests the flat nodes; unknown parents count as none. Branches become containers when there is more than one. */
export function nest(nodes: GraphNode[]): Tree[] {
  const trees = new Map(
    nodes.map((node) => [node.id, { id: node.id, node, branch: false, children: [] } as Tree]),
  );
  const top: Tree[] = [];
  for (const node of nodes) {
    const tree = trees.get(node.id)!;
    const parent = node.parent ? trees.get(node.parent) : undefined;
    (parent && parent !== tree ? parent.children : top).push(tree);
  }
  for (const tree of trees.values()) {
    const names = [...new Set(tree.children.map((child) => child.node.branch ?? ""))];
    if (names.length < 2 && NO_BRANCH.has(names[0] ?? "")) continue;
    tree.children = names.map((name) => {
      const id = `${tree.id}/${name}`;
      const node: GraphNode = {
        id,
        label: name || "tasks",
        type: "",
        kind: name === "errors" ? "errors" : "branch",
      };
      return {
        id,
        node,
        branch: true,
        children: tree.children.filter((child) => (child.node.branch ?? "") === name),
      };
    });
  }
  return top;
}

export function layout(data: GraphData, horizontal = false): Layout {
  const top = nest(data.nodes);
  // For each node the chain of containers it is in, from the outside in, itself last.
  const chains = new Map<string, string[]>();
  const walk = (trees: Tree[], above: string[]): void => {
    for (const tree of trees) {
      const chain = [...above, tree.id];
      chains.set(tree.id, chain);
      walk(tree.children, chain);
    }
  };
  walk(top, []);
  // An edge is drawn where its two ends first differ: between the containers that are siblings there.
  const perLevel = new Map<string, GraphEdge[]>();
  for (const edge of data.edges) {
    const from = chains.get(edge.from);
    const to = chains.get(edge.to);
    if (!from || !to) continue;
    let depth = 0;
    while (depth < from.length && depth < to.length && from[depth] === to[depth]) depth++;
    if (depth >= from.length || depth >= to.length) continue; // a container and its own inside: nesting says it
    const level = depth ? from[depth - 1]! : "";
    const list = perLevel.get(level) ?? [];
    const lifted = { from: from[depth]!, to: to[depth]!, label: edge.label ?? "" };
    if (!list.some((known) => known.from === lifted.from && known.to === lifted.to)) list.push(lifted);
    perLevel.set(level, list);
  }
  return place(top, "", perLevel, horizontal);
}

function place(trees: Tree[], level: string, edges: Map<string, GraphEdge[]>, horizontal: boolean): Layout {
  const graph = new Graph({ multigraph: false });
  graph.setGraph({ rankdir: horizontal ? "LR" : "TB", nodesep: 18, ranksep: horizontal ? 30 : 34 });
  graph.setDefaultEdgeLabel(() => ({}));
  const inner = new Map<string, Layout>();
  for (const tree of trees) {
    let size = horizontal ? NODE.right : NODE.down;
    if (tree.children.length) {
      const inside = place(tree.children, tree.id, edges, horizontal);
      inner.set(tree.id, inside);
      size = { w: Math.max(inside.w + 2 * PAD.x, 170), h: inside.h + PAD.top + PAD.bottom };
    }
    graph.setNode(tree.id, { width: size.w, height: size.h });
  }
  for (const edge of edges.get(level) ?? []) graph.setEdge(edge.from, edge.to, { label: edge.label ?? "" });
  dagre(graph);
  const out: Layout = { boxes: [], lines: [], w: 0, h: 0 };
  for (const tree of trees) {
    const at = graph.node(tree.id) as { x: number; y: number; width: number; height: number };
    const inside = inner.get(tree.id);
    const box: Box = {
      id: tree.id,
      node: tree.node,
      group: !!inside,
      branch: tree.branch,
      x: at.x - at.width / 2,
      y: at.y - at.height / 2,
      w: at.width,
      h: at.height,
    };
    out.boxes.push(box);
    out.w = Math.max(out.w, box.x + box.w);
    out.h = Math.max(out.h, box.y + box.h);
    if (!inside) continue;
    const dx = box.x + (box.w - inside.w) / 2;
    const dy = box.y + PAD.top;
    for (const other of inside.boxes) out.boxes.push({ ...other, x: other.x + dx, y: other.y + dy });
    for (const line of inside.lines)
      out.lines.push({ ...line, points: line.points.map(([x, y]) => [x + dx, y + dy]) });
  }
  for (const edge of graph.edges()) {
    const placed = graph.edge(edge) as { points: { x: number; y: number }[]; label?: string };
    out.lines.push({
      from: edge.v,
      to: edge.w,
      label: placed.label ?? "",
      points: placed.points.map((point) => [point.x, point.y]),
    });
  }
  return out;
}

/** An SVG path through the first and the last point, with room for the arrow head. */
export function curve(points: [number, number][], horizontal: boolean): string {
  const [x1, y1] = points[0]!;
  const [endX, endY] = points.at(-1)!;
  const [x2, y2] = horizontal ? [endX - 5, endY] : [endX, endY - 5];
  const bend = (horizontal ? x2 - x1 : y2 - y1) / 2;
  return horizontal
    ? `M${x1},${y1}C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`
    : `M${x1},${y1}C${x1},${y1 + bend} ${x2},${y2 - bend} ${x2},${y2}`;
}

const FAMILIES: [RegExp, string][] = [
  [/flow\.Approval$|HumanTask$/, "user-check"],
  [/flow\.Pause$/, "circle-pause"],
  [/flow\.(If|Switch)$/, "git-branch"],
  [/flow\.(Parallel|Dag)$/, "split"],
  [/flow\.(ForEach|Loop)/, "rotate-cw"],
  [/flow\.Subflow$/, "external-link"],
  [/flow\./, "list"],
  [/http\./, "globe"],
  [/log\.|debug\./, "scroll-text"],
  [/output\.|Labels$|execution\./, "tag"],
  [/jdbc\.|sql|duckdb|sqlite|postgres/i, "database"],
  [/mail|notifications|slack|messaging/i, "mail"],
  [/scripts\.shell/, "terminal"],
  [/scripts\./, "code"],
  [/storage|fs\.|files|s3|gcs/i, "folder"],
];

/** The icon for a task type, by family. */
export const typeIcon = (type: string): string =>
  FAMILIES.find(([pattern]) => pattern.test(type))?.[1] ?? "cog";

/** What several runs of one task (iterations, branches) come to in one word, the most urgent first. */
const URGENT = [
  "FAILED",
  "KILLING",
  "RETRYING",
  "RUNNING",
  "RESTARTED",
  "PAUSED",
  "BREAKPOINT",
  "SUBMITTED",
  "CREATED",
  "QUEUED",
  "KILLED",
  "CANCELLED",
  "WARNING",
  "SUCCESS",
  "RETRIED",
  "SKIPPED",
];
export function together(states: string[]): string | undefined {
  return URGENT.find((state) => states.includes(state)) ?? states[0];
}
