/**
 * Editor pages (flows, apps): YAML with problems, graph beside it, save by posting the plain form.
 *
 * The root is `<form data-editor data-check-url data-schema-url>` (README.md, "Editor page").
 */
import "./css/live.css";
import "./css/editor.css";
import "./elements/flow-graph";
import "./elements/yaml-editor";
import type { FlowGraph } from "./elements/flow-graph";
import type { YamlEditor } from "./elements/yaml-editor";
import { announce, csrf, h, icon, one } from "./lib/dom";
import {
  diagnostics,
  syntaxErrors,
  taskAt,
  taskPlaces,
  type Diagnostic,
  type Place,
  type Problem,
} from "./lib/flow-model";
import type { GraphData } from "./lib/graph";
import type { Schema } from "./lib/schema";
import { t } from "./lib/texts";

interface Check {
  problems: Problem[];
  graph?: GraphData | null;
}

class EditorPage {
  readonly #editor: YamlEditor;
  readonly #graph = one<FlowGraph>("flow-graph");
  readonly #saved: string;
  #shown: Diagnostic[] = [];
  #places = new Map<string, Place>();
  #selected = "";
  #leaving = false;
  #asked: AbortController | undefined;
  #syntaxTimer = 0;
  #checkTimer = 0;

  constructor(private readonly form: HTMLFormElement) {
    this.#editor = one<YamlEditor>("yaml-editor", form)!;
    // A refused save comes back with the text as typed: what is saved is the textarea's `data-saved`, if given.
    this.#saved = one<HTMLTextAreaElement>("textarea", this.#editor)?.dataset["saved"] ?? this.#editor.value;
    this.#editor.addEventListener("change", () => this.#changed());
    this.#editor.addEventListener("cursor", () => this.#follow());
    this.#graph?.addEventListener("node-select", (event) => {
      this.#selected = (event as CustomEvent<{ task: string }>).detail.task;
      const place = this.#places.get(this.#selected);
      if (place) this.#editor.goto(place.from, false);
    });
    form.addEventListener("submit", () => (this.#leaving = true));
    addEventListener("beforeunload", (event) => {
      if (!this.#leaving && this.#editor.value !== this.#saved) event.preventDefault();
    });
    addEventListener("pageshow", () => (this.#leaving = false));
    document.addEventListener("keydown", (event) => this.#keys(event));
    document.addEventListener("tab-change", () => this.#graph?.fit());
    this.#splitter();
    void this.#loadSchema();
    this.#read();
    this.#dirty();
    void this.#check();
  }

  async #loadSchema(): Promise<void> {
    const url = this.form.dataset["schemaUrl"];
    const answer = url
      ? await fetch(url, { headers: { Accept: "application/json" } }).catch(() => null)
      : null;
    if (answer?.ok) this.#editor.schema = (await answer.json()) as Schema;
  }

  #changed(): void {
    clearTimeout(this.#syntaxTimer);
    clearTimeout(this.#checkTimer);
    this.#syntaxTimer = window.setTimeout(() => this.#read(), 80);
    this.#checkTimer = window.setTimeout(() => void this.#check(), 350);
    this.#dirty();
  }

  /** What the page can say by itself: syntax. The server's problems replace it a moment later. */
  #read(): void {
    const text = this.#editor.value;
    const errors = syntaxErrors(text);
    if (errors.length) this.#show(errors);
    else {
      this.#places = taskPlaces(text);
      this.#follow();
    }
    this.#graph?.banner(errors.length ? t("The YAML is not valid – this is the last good graph") : null);
  }

  async #check(): Promise<void> {
    const url = this.form.dataset["checkUrl"];
    if (!url) return;
    this.#asked?.abort();
    this.#asked = new AbortController();
    const text = this.#editor.value;
    try {
      const answer = await fetch(url, {
        method: "POST",
        headers: { "X-CSRFToken": csrf(), Accept: "application/json" },
        body: new URLSearchParams({ source: text }),
        signal: this.#asked.signal,
      });
      if (!answer.ok) return;
      const check = (await answer.json()) as Check;
      if (text !== this.#editor.value) return;
      this.#show(diagnostics(text, check.problems));
      if (check.graph && this.#graph) {
        this.#graph.graph = check.graph;
        this.#graph.banner(null);
      }
      this.#mark();
      if (this.#selected) this.#graph?.select(this.#selected);
    } catch {
      // typed on, or no network: the next change asks again
    }
  }

  #show(list: Diagnostic[]): void {
    const before = this.#shown.length;
    this.#shown = list;
    this.#editor.diagnostics = list;
    this.#mark();
    const errors = list.filter((item) => item.level === "error").length;
    const count = document.getElementById("problem-count");
    const text =
      list.length === 1
        ? t("1 problem")
        : list.length
          ? t("{n} problems", { n: list.length })
          : t("No problems");
    if (count) {
      count.dataset["state"] = errors ? "failed" : list.length ? "warning" : "success";
      count.replaceChildren(
        icon(errors ? "circle-x" : list.length ? "triangle-alert" : "circle-check"),
        text,
      );
    }
    if (before !== list.length) announce(text);
    document.getElementById("problem-list")?.replaceChildren(
      ...list.map((item) =>
        h(
          "li",
          {},
          h(
            "button",
            {
              type: "button",
              "data-state": item.level === "error" ? "failed" : "warning",
              onclick: () => this.#editor.goto(item.from),
            },
            icon(item.level === "error" ? "circle-x" : "triangle-alert"),
            h("span", {}, item.message),
            h("small", {}, t("line {n}", { n: item.line })),
          ),
        ),
      ),
    );
  }

  #mark(): void {
    if (!this.#graph) return;
    const bad = this.#shown.map((item) => taskAt(this.#places, item.from)).filter((id) => id !== undefined);
    this.#graph.problems = new Set(bad);
    this.#graph.paint();
  }

  #follow(): void {
    const task = taskAt(this.#places, this.#editor.view.state.selection.main.head);
    if (!task || task === this.#selected) return;
    this.#selected = task;
    this.#graph?.select(task);
  }

  #dirty(): void {
    const changed = this.#editor.value !== this.#saved;
    const badge = document.getElementById("dirty");
    if (badge) badge.hidden = !changed;
  }

  #keys(event: KeyboardEvent): void {
    if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "s") {
      event.preventDefault();
      this.form.requestSubmit();
    } else if (event.key === "F8" && this.#shown.length) {
      event.preventDefault();
      const at = this.#editor.view.state.selection.main.head;
      const order = [...this.#shown].sort((a, b) => a.from - b.from);
      const next = event.shiftKey
        ? order.findLast((item) => item.from < at)
        : order.find((item) => item.from > at);
      this.#editor.goto((next ?? (event.shiftKey ? order.at(-1) : order[0]))!.from);
    }
  }

  /** Drag or arrow keys; the share is kept for the next time. */
  #splitter(): void {
    const split = one(".editor-split", this.form);
    const bar = one('[role="separator"]', this.form);
    if (!split || !bar) return;
    const size = (percent: number) => {
      const value = Math.min(75, Math.max(25, percent));
      split.style.setProperty("--left", `${value}%`);
      bar.setAttribute("aria-valuenow", String(Math.round(value)));
      localStorage.setItem("portico-split", String(value));
    };
    size(Number(localStorage.getItem("portico-split") ?? 50) || 50);
    bar.addEventListener("pointerdown", (event) => {
      bar.setPointerCapture(event.pointerId);
      bar.onpointermove = (moved) => {
        const frame = split.getBoundingClientRect();
        size(((moved.clientX - frame.left) / frame.width) * 100);
      };
    });
    for (const end of ["pointerup", "pointercancel"])
      bar.addEventListener(end, () => (bar.onpointermove = null));
    bar.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -2, ArrowRight: 2 }[event.key];
      if (step) size(Number(bar.getAttribute("aria-valuenow")) + step);
    });
  }
}

const form = one<HTMLFormElement>("form[data-editor]");
if (form) new EditorPage(form);
