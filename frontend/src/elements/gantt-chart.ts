/**
 * <gantt-chart>: one row per task run; bars are placed by script and grow while a run is at work.
 *
 * In: `merge(rows)`, any number of times, rows are known by `id`. `now` gives the server's time. Out: "node-select"
 * {task, run}.
 */
import { h, icon } from "../lib/dom";
import { duration } from "../lib/spans";
import { look } from "../lib/texts";

export interface RunRow {
  id: string;
  task: string;
  label: string;
  parent?: string | null;
  /** The value of the iteration or the name of the branch, shown after the label. */
  value?: string | null;
  group?: boolean;
  state: string;
  attempt?: number;
  /** ISO 8601 or milliseconds. */
  created?: string | number | null;
  started?: string | number | null;
  ended?: string | number | null;
}

interface Row {
  data: RunRow;
  button: HTMLElement;
  name: HTMLElement;
  bar: HTMLElement;
  wait: HTMLElement;
  length: HTMLElement;
  shown: string;
}

const time = (value: string | number | null | undefined): number | undefined =>
  value === null || value === undefined ? undefined : typeof value === "number" ? value : Date.parse(value);

export class GanttChart extends HTMLElement {
  now: () => number = () => Date.now();
  #rows = new Map<string, Row>();
  #timer = 0;
  #selected = "";
  #axis = h("div", {});
  #body = h("div", { class: "gantt" }, h("div", { class: "gantt__axis", "aria-hidden": "true" }, this.#axis));

  connectedCallback(): void {
    if (!this.#body.isConnected) this.replaceChildren(this.#body);
    this.#timer = window.setInterval(() => this.#growing() && this.render(), 250);
  }

  disconnectedCallback(): void {
    clearInterval(this.#timer);
  }

  #growing(): boolean {
    for (const { data } of this.#rows.values()) if (data.started && !data.ended) return !document.hidden;
    return false;
  }

  merge(rows: RunRow[]): void {
    let grew = false;
    for (const data of rows) {
      const row = this.#rows.get(data.id);
      if (row) row.data = data;
      else {
        this.#rows.set(data.id, this.#make(data));
        grew = true;
      }
    }
    if (grew) this.#order();
    this.render();
  }

  #depth(data: RunRow): number {
    let depth = 0;
    for (let above = data.parent; above && depth < 12; above = this.#rows.get(above)?.data.parent) depth++;
    return depth;
  }

  /** Children under their parent, in the order in which they came. */
  #order(): void {
    const children = new Map<string, Row[]>();
    for (const row of this.#rows.values()) {
      const parent = row.data.parent && this.#rows.has(row.data.parent) ? row.data.parent : "";
      children.set(parent, [...(children.get(parent) ?? []), row]);
    }
    const out: HTMLElement[] = [];
    const walk = (parent: string): void => {
      for (const row of children.get(parent) ?? []) {
        row.name.style.setProperty("--depth", String(this.#depth(row.data)));
        out.push(row.button);
        walk(row.data.id);
      }
    };
    walk("");
    // Only rows out of place move, so that a focused row keeps the focus.
    let before: Element = this.#body.firstElementChild!;
    for (const button of out) {
      if (before.nextElementSibling !== button) before.after(button);
      before = button;
    }
  }

  render(): void {
    const now = this.now();
    const rows = [...this.#rows.values()];
    const starts = rows.map(({ data }) => time(data.created) ?? time(data.started) ?? now);
    const from = starts.length ? Math.min(...starts) : now;
    const ends = rows.map(({ data }) => time(data.ended) ?? (data.started ? now : from));
    const to = Math.max(from + 1000, ...ends);
    const percent = (at: number) => ((at - from) / (to - from)) * 100;
    this.#drawAxis(to - from);
    for (const row of rows) {
      const { data } = row;
      const { tone, icon: name, label } = look(data.state);
      if (row.shown !== data.state) {
        row.shown = data.state;
        row.bar.dataset["state"] = row.name.dataset["state"] = tone;
        row.name.firstElementChild!.replaceWith(icon(name, tone === "running" ? "spin" : ""));
        row.name.lastElementChild!.textContent = ` ${label} `;
      }
      const created = time(data.created);
      const started = time(data.started);
      const end = time(data.ended) ?? now;
      row.bar.hidden = row.length.hidden = started === undefined;
      row.wait.hidden = created === undefined || started === undefined || started - created < 100;
      if (started === undefined) continue;
      row.bar.style.left = `${percent(started)}%`;
      row.bar.style.width = `${Math.max(0, percent(end) - percent(started))}%`;
      row.length.style.left = `${percent(end)}%`;
      row.length.textContent = duration(end - started);
      if (!row.wait.hidden) {
        row.wait.style.left = `${percent(created!)}%`;
        row.wait.style.width = `${percent(started) - percent(created!)}%`;
      }
    }
  }

  #drawAxis(span: number): void {
    while (this.#axis.childElementCount < 6) {
      const mark = h("span", {});
      mark.style.left = `${this.#axis.childElementCount * 20}%`;
      if (!this.#axis.childElementCount) mark.style.translate = "0";
      this.#axis.append(mark);
    }
    [...this.#axis.children].forEach((mark, i) => (mark.textContent = i ? duration((span * i) / 5) : "0"));
  }

  #make(data: RunRow): Row {
    const bar = h("span", { class: data.group ? "bar group" : "bar" });
    const wait = h("span", { class: "wait" });
    const length = h("span", { class: "len" });
    const name = h(
      "span",
      { class: data.group ? "name group" : "name" },
      icon("circle-dashed"),
      h("span", { title: data.label }, data.label, data.value ? h("small", {}, ` ${data.value}`) : null),
      h("span", { class: "sr-only" }),
    );
    const button = h(
      "button",
      { class: "gantt__row", type: "button", onclick: () => this.select(data.id, true) },
      name,
      h("span", { class: "track" }, wait, bar, length),
    );
    return { data, button, name, bar, wait, length, shown: "" };
  }

  /** Selects a run by its id; an unknown one selects nothing. */
  select(run: string, emit = false): void {
    this.#rows.get(this.#selected)?.button.removeAttribute("aria-current");
    this.#selected = run;
    const row = this.#rows.get(run);
    row?.button.setAttribute("aria-current", "true");
    if (emit && row)
      this.dispatchEvent(
        new CustomEvent("node-select", { detail: { run, task: row.data.task }, bubbles: true }),
      );
  }
}
customElements.define("gantt-chart", GanttChart);
