/**
 * <flow-graph>: HTML nodes over SVG edges; pan, zoom, arrow keys.
 *
 * In: `graph` (GraphData), `states` ({task id: state}) followed by `paint()`, `problems` (ids). Or the attribute
 * `data-graph="id of a json script"`. Out: "node-select" {task}. Attribute `horizontal`: from left to right.
 */
import { all, h, icon, json, s } from "../lib/dom";
import { curve, layout, together, typeIcon, type GraphData, type Layout } from "../lib/graph";
import { look, t } from "../lib/texts";

const GROUP_ICON: [RegExp, string][] = [
  [/branch/, "chevron-right"],
  [/error|finally/, "triangle-alert"],
];

export class FlowGraph extends HTMLElement {
  states: Record<string, string> = {};
  problems = new Set<string>();
  #world = h("div", { class: "fg__world" });
  #svg = s("svg", { width: 1, height: 1, "aria-hidden": "true" });
  #elements = new Map<string, HTMLElement>();
  #edges = new Map<string, SVGElement>();
  #layout: Layout = { boxes: [], lines: [], w: 0, h: 0 };
  #view = { x: 0, y: 0, k: 1 };
  #touched = false;
  #key = "";
  #data: GraphData | undefined;
  #observer: ResizeObserver | undefined;

  connectedCallback(): void {
    this.#observer = new ResizeObserver(() => {
      if (this.#data) this.graph = this.#data; // the direction may have changed with the width
      if (!this.#touched) this.fit();
    });
    this.#observer.observe(this);
    if (this.#world.isConnected) return;
    this.setAttribute("role", "group");
    this.setAttribute("aria-roledescription", t("flow graph"));
    const head = s("path", { class: "fg__arrow", d: "M0,0L8,4L0,8z" });
    const marker = { viewBox: "0 0 8 8", refX: 3, refY: 4, markerWidth: 8, markerHeight: 8, orient: "auto" };
    this.#svg.append(
      s("defs", {}, s("marker", { id: "fg-arrow", markerUnits: "userSpaceOnUse", ...marker }, head)),
    );
    this.#world.append(this.#svg);
    const tool = (name: string, label: string, act: () => void) =>
      h(
        "button",
        { class: "btn ghost sm icon-only", type: "button", "aria-label": label, title: label, onclick: act },
        icon(name),
      );
    this.replaceChildren(
      this.#world,
      h(
        "div",
        { class: "fg__tools" },
        tool("zoom-in", t("Zoom in"), () => this.#zoom(1.2)),
        tool("zoom-out", t("Zoom out"), () => this.#zoom(1 / 1.2)),
        tool("maximize", t("Fit graph"), () => this.fit()),
      ),
    );
    this.addEventListener("pointerdown", this.#pan);
    this.addEventListener("wheel", this.#wheel, { passive: false });
    this.addEventListener("keydown", this.#keys);
    const given = this.dataset["graph"] && json<GraphData>(this.dataset["graph"]);
    if (given) this.graph = given;
  }

  disconnectedCallback(): void {
    this.#observer?.disconnect();
  }

  get horizontal(): boolean {
    return this.hasAttribute("horizontal") && this.clientWidth > 560;
  }

  set graph(data: GraphData) {
    this.#data = data;
    const horizontal = this.horizontal;
    const key = JSON.stringify([data, horizontal]);
    if (key === this.#key) return; // typing inside a value changes no node: no layout, no DOM work
    this.#key = key;
    for (const node of data.nodes) if (node.state) this.states[node.id] ??= node.state;
    this.#layout = layout(data, horizontal);
    this.#drawBoxes();
    this.#drawLines(horizontal);
    const first = this.querySelector<HTMLElement>(".fg__node");
    if (first && !this.querySelector('.fg__node[tabindex="0"]')) first.tabIndex = 0;
    this.paint();
    if (!this.#touched) this.fit();
  }

  #drawBoxes(): void {
    const alive = new Set<string>();
    for (const box of this.#layout.boxes) {
      const key = (box.group ? "g:" : "n:") + box.id;
      alive.add(key);
      let element = this.#elements.get(key);
      if (!element) {
        element = box.group
          ? h("div", { class: "fg__group" })
          : h("button", {
              class: "fg__node",
              type: "button",
              tabindex: -1,
              onclick: () => this.select(box.id, true),
            });
        this.#elements.set(key, element);
        this.#world.append(element);
      }
      element.style.transform = `translate(${box.x}px, ${box.y}px)`;
      element.style.width = `${box.w}px`;
      element.style.height = `${box.h}px`;
      element.dataset["id"] = box.id;
      if (box.group) {
        const kind = ((box.branch ? box.node.kind : box.node.type.split(".").at(-1)) ?? "").toLowerCase();
        const name = box.branch
          ? (GROUP_ICON.find(([pattern]) => pattern.test(kind))?.[1] ?? "list")
          : typeIcon(box.node.type);
        element.dataset["kind"] = kind;
        element.replaceChildren(h("span", {}, icon(name), box.node.label));
      } else {
        element.replaceChildren(
          h("span", { class: "ico" }, icon(typeIcon(box.node.type))),
          h("strong", {}, box.node.label),
          // the family and the name; the room in front ("core.") says little and costs the rest
          h("small", { title: box.node.type }, box.node.type.split(".").slice(-2).join(".")),
          h("span", { class: "st" }),
        );
      }
    }
    for (const [key, element] of this.#elements)
      if (!alive.has(key)) {
        element.remove();
        this.#elements.delete(key);
      }
  }

  #drawLines(horizontal: boolean): void {
    const alive = new Set<string>();
    for (const line of this.#layout.lines) {
      const key = `${line.from}>${line.to}`;
      alive.add(key);
      let path = this.#edges.get(key);
      if (!path) {
        path = s("path", { class: "fg__edge" });
        this.#edges.set(key, path);
        this.#svg.append(path);
      }
      path.setAttribute("d", curve(line.points, horizontal));
      path.dataset["to"] = line.to;
    }
    for (const [key, path] of this.#edges)
      if (!alive.has(key)) {
        path.remove();
        this.#edges.delete(key);
      }
  }

  /** Colours nodes and edges from `states` and `problems`; cheap, called on every change. */
  paint(): void {
    for (const box of this.#layout.boxes) {
      if (box.group) continue;
      const element = this.#elements.get("n:" + box.id)!;
      const problem = this.problems.has(box.id);
      const state = this.states[box.id];
      const shown = problem ? "problem" : (state ?? "");
      element.toggleAttribute("data-problem", problem);
      if (element.dataset["shown"] === shown && element.querySelector(".st")?.firstChild) continue;
      element.dataset["shown"] = shown;
      const corner = element.querySelector(".st")!;
      if (problem) {
        corner.replaceChildren(icon("triangle-alert"), h("span", { class: "sr-only" }, t("has a problem")));
      } else if (state) {
        const { tone, icon: name, label } = look(state);
        element.dataset["state"] = tone;
        element.dataset["run"] = "";
        corner.replaceChildren(
          icon(name, tone === "running" ? "spin" : ""),
          h("span", { class: "sr-only" }, label),
        );
      } else {
        corner.replaceChildren();
        delete element.dataset["state"];
        delete element.dataset["run"];
      }
    }
    for (const path of this.#edges.values()) {
      const state = this.#stateOf(path.dataset["to"]!);
      if (state) path.dataset["state"] = look(state).tone;
      else delete path.dataset["state"];
    }
  }

  /** A container without a state of its own is what its insides come to. */
  #stateOf(id: string): string | undefined {
    if (this.states[id]) return this.states[id];
    const inside = this.#layout.boxes.filter(
      (box) => box.node.parent === id || id.startsWith(`${box.node.parent}/`),
    );
    const states = inside.map((box) => this.states[box.id]).filter((state) => state !== undefined);
    return together(states.filter((state) => state !== "SKIPPED"));
  }

  select(task: string, emit = false): void {
    for (const element of all(".fg__node", this)) {
      const on = element.dataset["id"] === task;
      element.tabIndex = on ? 0 : -1;
      if (on) element.setAttribute("aria-current", "true");
      else element.removeAttribute("aria-current");
    }
    if (!this.querySelector('.fg__node[tabindex="0"]'))
      this.querySelector<HTMLElement>(".fg__node")?.setAttribute("tabindex", "0");
    if (emit) this.dispatchEvent(new CustomEvent("node-select", { detail: { task }, bubbles: true }));
  }

  fit(): void {
    const { clientWidth: width, clientHeight: height } = this;
    const { w, h: tall } = this.#layout;
    if (!width || !w) return;
    const k = Math.max(0.2, Math.min(1.05, (width - 48) / w, (height - 48) / tall));
    this.#view = { k, x: Math.max(16, (width - w * k) / 2), y: Math.max(20, (height - tall * k) / 2) };
    this.#touched = false;
    this.#apply();
  }

  #apply(): void {
    const { x, y, k } = this.#view;
    this.#world.style.transform = `translate(${x}px, ${y}px) scale(${k})`;
    this.style.backgroundPosition = `${x}px ${y}px`;
  }

  #move(dx: number, dy: number): void {
    this.#touched = true;
    this.#view.x += dx;
    this.#view.y += dy;
    this.#apply();
  }

  #zoom(factor: number, at?: MouseEvent): void {
    const frame = this.getBoundingClientRect();
    const px = at ? at.clientX - frame.left : frame.width / 2;
    const py = at ? at.clientY - frame.top : frame.height / 2;
    const view = this.#view;
    const k = Math.min(2, Math.max(0.2, view.k * factor));
    view.x = px - ((px - view.x) * k) / view.k;
    view.y = py - ((py - view.y) * k) / view.k;
    view.k = k;
    this.#touched = true;
    this.#apply();
  }

  #wheel = (event: WheelEvent): void => {
    // The page scrolls over the graph as over anything else; Ctrl (or a pinch) zooms, Shift moves sideways.
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      this.#zoom(Math.exp(-event.deltaY / 200), event);
    } else if (event.shiftKey) {
      event.preventDefault();
      this.#move(-event.deltaY - event.deltaX, 0);
    }
  };

  #pan = (event: PointerEvent): void => {
    if ((event.target as Element).closest("button")) return;
    this.setPointerCapture(event.pointerId);
    const move = (moved: PointerEvent) => this.#move(moved.movementX, moved.movementY);
    const end = () => this.removeEventListener("pointermove", move);
    this.addEventListener("pointermove", move);
    this.addEventListener("pointerup", end, { once: true });
    this.addEventListener("pointercancel", end, { once: true });
  };

  /** Arrow keys move the focus to the nearest node in that direction. */
  #keys = (event: KeyboardEvent): void => {
    if (event.key === "0") return this.fit();
    const way = { ArrowDown: [0, 1], ArrowUp: [0, -1], ArrowRight: [1, 0], ArrowLeft: [-1, 0] }[event.key];
    const focused = (document.activeElement as HTMLElement | null)?.dataset["id"];
    const from = this.#layout.boxes.find((box) => !box.group && box.id === focused);
    if (!way || !from) return;
    event.preventDefault();
    const [right, down] = way as [number, number];
    let best: { id: string; far: number } | undefined;
    for (const box of this.#layout.boxes) {
      if (box.group || box === from) continue;
      const dx = box.x + box.w / 2 - from.x - from.w / 2;
      const dy = box.y + box.h / 2 - from.y - from.h / 2;
      const along = dx * right + dy * down;
      const across = Math.abs(dx * down) + Math.abs(dy * right);
      if (along <= 4 || across >= along * 3 + 40) continue;
      const far = along + across / 2;
      if (!best || far < best.far) best = { id: box.id, far };
    }
    if (!best) return;
    this.select(best.id, true);
    this.#elements.get("n:" + best.id)?.focus();
  };

  /** Says that the graph is older than the text beside it; null takes it back. */
  banner(text: string | null): void {
    const shown = this.querySelector(".fg__banner");
    this.toggleAttribute("data-stale", text !== null);
    if (text === null) shown?.remove();
    else if (shown?.textContent !== text) {
      shown?.remove();
      this.append(h("p", { class: "fg__banner", role: "status" }, icon("triangle-alert"), text));
    }
  }
}
customElements.define("flow-graph", FlowGraph);
