import { all, h, icon } from "../lib/dom";
import { t } from "../lib/texts";
import { showKeys } from "./shortcuts";
import { switchTheme } from "./theme";

export interface Hit {
  group: string;
  label: string;
  detail?: string;
  url?: string;
  icon?: string;
  act?: () => void;
}

/** Ctrl/⌘ K: places and commands at once, apps, flows and runs from the server as one types. */
export function togglePalette(): void {
  const open = document.querySelector<HTMLDialogElement>("dialog.palette");
  if (open) open.close();
  else new Palette();
}

function commands(): Hit[] {
  const places = all<HTMLAnchorElement>("#nav .nav__link").map((link) => ({
    group: t("Go to"),
    label: link.querySelector("[data-label]")?.textContent ?? link.textContent ?? "",
    url: link.getAttribute("href") ?? "",
    icon: link.dataset["icon"] ?? "chevron-right",
  }));
  return [
    ...places,
    { group: t("Commands"), label: t("Switch between light and dark"), icon: "sun-moon", act: switchTheme },
    { group: t("Commands"), label: t("Keyboard shortcuts"), icon: "keyboard", act: showKeys },
  ];
}

class Palette {
  #at = 0;
  #hits: Hit[] = [];
  #asked: AbortController | undefined;
  #timer = 0;
  readonly #commands = commands();
  readonly #list = h("div", { role: "listbox", id: "palette-list", "aria-label": t("Results") });
  readonly #status = h("p", { class: "sr-only", role: "status" });
  readonly #input = h("input", {
    type: "text",
    role: "combobox",
    "aria-expanded": "true",
    "aria-controls": "palette-list",
    "aria-autocomplete": "list",
    "aria-label": t("Search apps, flows and runs"),
    placeholder: t("Search apps, flows, runs or type a command…"),
    autocomplete: "off",
    spellcheck: "false",
  });
  readonly #dialog = h("dialog", { class: "palette", "aria-label": t("Search") });

  constructor() {
    this.#dialog.append(
      h("div", { class: "palette__head" }, icon("search"), this.#input),
      this.#list,
      this.#status,
    );
    this.#dialog.addEventListener("close", () => this.#dialog.remove());
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && this.#dialog.close());
    this.#input.addEventListener("input", () => this.#search());
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    document.body.append(this.#dialog);
    this.#search();
    this.#dialog.showModal();
  }

  #search(): void {
    const words = this.#input.value.trim();
    const local = this.#commands.filter((hit) => hit.label.toLowerCase().includes(words.toLowerCase()));
    this.#show([...this.#hits.filter((hit) => !hit.act && words && matches(hit, words)), ...local]);
    clearTimeout(this.#timer);
    this.#asked?.abort();
    const address = document.body.dataset["palette"];
    if (!address) return;
    this.#timer = window.setTimeout(() => void this.#ask(address, words, local), words ? 120 : 0);
  }

  async #ask(address: string, words: string, local: Hit[]): Promise<void> {
    this.#asked = new AbortController();
    const url = new URL(address, location.href);
    url.searchParams.set("q", words);
    try {
      const answer = await fetch(url, {
        signal: this.#asked.signal,
        headers: { Accept: "application/json" },
      });
      if (answer.ok) this.#show([...((await answer.json()) as Hit[]), ...local]);
    } catch {
      // closed or typed on
    }
  }

  #show(hits: Hit[]): void {
    this.#hits = hits;
    this.#at = Math.min(this.#at, Math.max(0, hits.length - 1));
    this.#draw();
    this.#status.textContent = hits.length ? t("{n} results", { n: hits.length }) : t("Nothing found");
  }

  #draw(): void {
    const out: Node[] = [];
    let group = "";
    this.#hits.forEach((hit, i) => {
      if (hit.group !== group) {
        group = hit.group;
        out.push(h("div", { class: "palette__group", role: "presentation" }, group));
      }
      const option = h(
        "div",
        {
          role: "option",
          id: `hit-${i}`,
          "aria-selected": String(i === this.#at),
          onclick: () => this.#go(hit),
          onpointermove: () => this.#mark(i),
        },
        icon(hit.icon ?? "chevron-right"),
        h("span", {}, hit.label),
        hit.detail ? h("small", {}, hit.detail) : null,
      );
      out.push(option);
    });
    if (!out.length) out.push(h("p", { class: "palette__none" }, t("Nothing found")));
    this.#list.replaceChildren(...out);
    this.#mark(this.#at);
  }

  #mark(at: number): void {
    this.#at = at;
    all('[role="option"]', this.#list).forEach((option, i) =>
      option.setAttribute("aria-selected", String(i === at)),
    );
    const current = document.getElementById(`hit-${at}`);
    if (current) this.#input.setAttribute("aria-activedescendant", current.id);
    else this.#input.removeAttribute("aria-activedescendant");
    current?.scrollIntoView({ block: "nearest" });
  }

  #key(event: KeyboardEvent): void {
    const last = this.#hits.length - 1;
    const next = {
      ArrowDown: this.#at >= last ? 0 : this.#at + 1,
      ArrowUp: this.#at <= 0 ? last : this.#at - 1,
      PageDown: Math.min(last, this.#at + 8),
      PageUp: Math.max(0, this.#at - 8),
    }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      this.#mark(next);
    } else if (event.key === "Enter") {
      event.preventDefault();
      const hit = this.#hits[this.#at];
      if (hit) this.#go(hit, event.ctrlKey || event.metaKey);
    }
  }

  #go(hit: Hit, apart = false): void {
    this.#dialog.close();
    if (hit.act) return hit.act();
    const url = new URL(hit.url ?? "", location.href);
    if (url.origin !== location.origin) return;
    if (apart) window.open(url, "_blank", "noopener");
    else location.assign(url);
  }
}

const matches = (hit: Hit, words: string) =>
  `${hit.label} ${hit.detail ?? ""}`.toLowerCase().includes(words.toLowerCase());
