/**
 * <log-view>: virtual list with fixed 20 px rows, ANSI colours, search, level and task filters, follow.
 *
 * In: `merge(lines)`, `narrow({level, task, text})`, `follow`. Out: "follow" (boolean), "lines" {shown, total, fresh}.
 * Controls named by `data-for="ID of the log-view"`: input[type=search], select (level), button[data-follow].
 */
import Anser from "anser";
import { all, announce, h } from "../lib/dom";
import { LogLines, rank, type LogLine } from "../lib/logs";
import { t } from "../lib/texts";

const ROW = 20;
/** Browsers cap the height of an element (about 17 million px): above this only the end is shown. */
const MOST = 500_000;

export class LogView extends HTMLElement {
  #lines = new LogLines();
  #pending = false;
  #follow = true;
  #told = 0;
  #errors = 0;
  #list = h("ol", {});
  #empty = h("p", { class: "log__empty" });
  #box = h(
    "div",
    { class: "log", tabindex: 0, role: "log", "aria-live": "off", "aria-label": t("Log lines") },
    this.#list,
    this.#empty,
  );
  #clock = new Intl.DateTimeFormat("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    ...(document.documentElement.dataset["zone"]
      ? { timeZone: document.documentElement.dataset["zone"] }
      : {}),
  });

  connectedCallback(): void {
    if (this.#box.isConnected) return;
    this.replaceChildren(this.#box);
    this.#box.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    for (const control of all(`[data-for="${this.id}"]`)) this.#wire(control);
    this.#schedule();
  }

  #wire(control: HTMLElement): void {
    if (control instanceof HTMLInputElement)
      control.addEventListener("input", () => this.narrow({ text: control.value }));
    else if (control instanceof HTMLSelectElement)
      control.addEventListener("change", () => this.narrow({ level: control.value }));
    else if (control.hasAttribute("data-follow")) {
      control.addEventListener("click", () => (this.follow = !this.follow));
      this.addEventListener("follow", () => control.setAttribute("aria-pressed", String(this.#follow)));
    }
  }

  #scrolled(): void {
    const end = this.#box.scrollTop + this.#box.clientHeight >= this.#box.scrollHeight - 30;
    if (end !== this.#follow) this.follow = end;
    this.#schedule();
  }

  get follow(): boolean {
    return this.#follow;
  }
  set follow(on: boolean) {
    this.#follow = on;
    this.dispatchEvent(new CustomEvent("follow", { detail: on }));
    if (on) this.#schedule();
  }
  get total(): number {
    return this.#lines.all.length;
  }
  get visible(): number {
    return this.#lines.shown.length;
  }

  merge(lines: LogLine[]): void {
    const fresh = this.#lines.add(lines);
    if (!fresh) return;
    this.#tellErrors(lines);
    this.dispatchEvent(
      new CustomEvent("lines", { detail: { shown: this.visible, total: this.total, fresh } }),
    );
    this.#schedule();
  }

  /** A stream would drown a screen reader: only errors are told, at most each 5 seconds. */
  #tellErrors(lines: LogLine[]): void {
    this.#errors += lines.filter((line) => rank(line.level) === 4).length;
    if (!this.#errors || Date.now() - this.#told < 5000 || !this.#told) {
      this.#told ||= Date.now(); // what the page brought along is not news
      if (Date.now() - this.#told < 50) this.#errors = 0;
      return;
    }
    this.#told = Date.now();
    announce(t("New errors in the log: {n}", { n: this.#errors }));
    this.#errors = 0;
  }

  narrow(filter: Partial<{ level: string; task: string; text: string }>): void {
    const now = this.#lines.filter;
    if (filter.level !== undefined) now.level = filter.level ? rank(filter.level) : 0;
    if (filter.task !== undefined) now.task = filter.task;
    if (filter.text !== undefined) now.text = filter.text.toLowerCase();
    this.#lines.refilter();
    this.#schedule();
  }

  /** Scrolls to the next error below what is shown, from the top again after the last one. */
  nextError(): void {
    const { all: lines, shown } = this.#lines;
    const from = Math.floor(this.#box.scrollTop / ROW) + 2;
    const wrong = shown.flatMap((n, i) => (rank(lines[n]!.level) === 4 ? [i] : []));
    const next = wrong.find((i) => i > from) ?? wrong[0];
    if (next === undefined) return;
    this.follow = false;
    this.#box.scrollTop = Math.max(0, next * ROW - ROW);
    this.#box.focus({ preventScroll: true });
  }

  #schedule(): void {
    if (this.#pending) return;
    this.#pending = true;
    requestAnimationFrame(() => {
      this.#pending = false;
      this.#draw();
    });
  }

  #draw(): void {
    const { all: lines } = this.#lines;
    const shown = this.#lines.shown.length > MOST ? this.#lines.shown.slice(-MOST) : this.#lines.shown;
    this.#empty.hidden = shown.length > 0;
    this.#empty.textContent = lines.length ? t("No line matches") : t("No log lines yet");
    this.#list.style.height = shown.length ? `${shown.length * ROW + 8}px` : "0";
    if (this.#follow) this.#box.scrollTop = this.#box.scrollHeight;
    const from = Math.max(0, Math.floor(this.#box.scrollTop / ROW) - 8);
    const to = Math.min(shown.length, from + Math.ceil(this.#box.clientHeight / ROW) + 16);
    const rows: HTMLElement[] = [];
    for (let i = from; i < to; i++) {
      const n = shown[i]!;
      const line = lines[n]!;
      const level = ["trace", "debug", "info", "warn", "error"][rank(line.level)]!;
      const row = h(
        "li",
        { class: level, "aria-setsize": shown.length, "aria-posinset": i + 1 },
        h("span", { class: "n" }, String(n + 1)),
        h("span", { class: "t" }, this.#clock.format(line.at as number)),
        h("span", { class: "s" }, line.task),
        h("span", { class: "l" }, level.toUpperCase()),
        this.#text(line.text),
      );
      row.style.top = `${i * ROW + 4}px`;
      rows.push(row);
    }
    this.#list.replaceChildren(...rows);
  }

  #text(raw: string): HTMLElement {
    const parts = raw.includes("\x1b")
      ? Anser.ansiToJson(raw, { use_classes: true, remove_empty: true })
      : [{ content: raw, fg: "", decorations: [] as string[] }];
    const out = h("span", { class: "x" });
    const wanted = this.#lines.filter.text;
    for (const part of parts) {
      const style = [part.fg, ...(part.decorations ?? []).map((name) => `ansi-${name}`)]
        .filter(Boolean)
        .join(" ");
      const at = wanted ? part.content.toLowerCase().indexOf(wanted) : -1;
      const pieces: (Node | string)[] =
        at < 0
          ? [part.content]
          : [
              part.content.slice(0, at),
              h("mark", {}, part.content.slice(at, at + wanted.length)),
              part.content.slice(at + wanted.length),
            ];
      out.append(h("span", style ? { class: style } : {}, ...pieces));
    }
    return out;
  }
}
customElements.define("log-view", LogView);
