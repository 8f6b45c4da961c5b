/** What the page itself can read from a flow's text: syntax errors at once, and where each task stands. */
import { isMap, isNode, isSeq, LineCounter, parseDocument, type YAMLMap } from "yaml";

export interface Diagnostic {
  from: number;
  to: number;
  line: number;
  message: string;
  level: "error" | "warning";
}
/** As the server says it: lines and columns count from 1. */
export interface Problem {
  line: number | null;
  column: number | null;
  message: string;
  mend?: string | null;
  warning?: boolean;
}
export interface Place {
  from: number;
  to: number;
}

/** YAML's own complaints, with offsets. */
export function syntaxErrors(text: string): Diagnostic[] {
  const lines = new LineCounter();
  const { errors } = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  return errors.map((error) => ({
    from: Math.min(error.pos[0], text.length),
    to: Math.min(text.length, Math.max(error.pos[1], error.pos[0] + 1)),
    line: lines.linePos(error.pos[0]).line,
    message: error.message,
    level: "error",
  }));
}

/** Where each mapping with an `id` and a `type` stands, by id; tasks inside tasks too. */
export function taskPlaces(text: string): Map<string, Place> {
  const places = new Map<string, Place>();
  const visit = (node: unknown): void => {
    if (isSeq(node)) for (const item of node.items) visit(item);
    if (!isMap(node)) return;
    const map = node as YAMLMap;
    const id: unknown = map.get("id");
    if (typeof id === "string" && map.has("type") && node.range) {
      if (!places.has(id)) places.set(id, { from: node.range[0], to: node.range[1] });
    }
    for (const pair of map.items) if (isNode(pair.value)) visit(pair.value);
  };
  const doc = parseDocument(text, { prettyErrors: false });
  if (isMap(doc.contents))
    for (const pair of doc.contents.items)
      if (["tasks", "errors", "finally", "afterExecution"].includes(String(pair.key))) visit(pair.value);
  return places;
}

/** The smallest place around `at`. */
export function taskAt(places: Map<string, Place>, at: number): string | undefined {
  let best: string | undefined;
  let size = Infinity;
  for (const [id, place] of places)
    if (at >= place.from && at <= place.to && place.to - place.from < size) {
      best = id;
      size = place.to - place.from;
    }
  return best;
}

/** Server problems as ranges in the text: from the named column to the end of the word (or of the line). */
export function diagnostics(text: string, problems: Problem[]): Diagnostic[] {
  const starts = [0];
  for (let i = 0; i < text.length; i++) if (text[i] === "\n") starts.push(i + 1);
  return problems.map((problem) => {
    const line = Math.min(Math.max(1, problem.line ?? 1), starts.length);
    const start = starts[line - 1]!;
    const end = line < starts.length ? starts[line]! - 1 : text.length;
    const from = Math.min(start + Math.max(0, (problem.column ?? 1) - 1), end);
    const word = /^[\w.$-]+|^\S+/.exec(text.slice(from, end))?.[0].length ?? 0;
    const message = problem.mend ? `${problem.message} ${problem.mend}` : problem.message;
    return {
      from,
      to: Math.max(from + word, Math.min(from + 1, end)),
      line,
      message,
      level: problem.warning ? "warning" : "error",
    };
  });
}
