/** Puts a server-rendered partial in place with the fewest changes, so focus, selection and open menus survive. */
import { Idiomorph } from "idiomorph";

export function parse(html: string): HTMLElement[] {
  const holder = document.createElement("template");
  holder.innerHTML = html; // server-rendered partials only; scripts in a template never run
  return [...holder.content.children] as HTMLElement[];
}

/** Live elements own what is inside them: the server's empty tag must not wipe it. */
const ISLANDS = new Set(["FLOW-GRAPH", "GANTT-CHART", "LOG-VIEW", "YAML-EDITOR"]);

/** Morphs `target` into `fresh`; an element that has the focus keeps its value. */
export function morph(target: Element, fresh: Element): void {
  Idiomorph.morph(target, fresh, {
    morphStyle: "outerHTML",
    ignoreActiveValue: true,
    callbacks: {
      beforeNodeMorphed: (old: Node) => !(old instanceof Element && ISLANDS.has(old.tagName)),
      beforeAttributeUpdated: (name: string, node: Element) =>
        // What script or the person changed stays: placement by script, open dialogs and details, island state.
        name !== "style" && !(name === "open" && (node.tagName === "DETAILS" || node.tagName === "DIALOG")),
    },
  });
}

/** Applies `{elementId: html}`; ids that are not on the page are ignored. Returns the ids that changed. */
export function applyPartials(partials: Record<string, string>): string[] {
  const changed: string[] = [];
  for (const [id, html] of Object.entries(partials)) {
    const target = document.getElementById(id);
    const fresh = target && parse(html)[0];
    if (!target || !fresh) continue;
    morph(target, fresh);
    changed.push(id);
  }
  // Listeners: htmx wires what is new in them (app.ts), charts are drawn again (charts.ts).
  if (changed.length) document.dispatchEvent(new CustomEvent("partials-applied", { detail: changed }));
  return changed;
}
