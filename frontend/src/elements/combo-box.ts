/**
 * <combo-box>: wraps a native `<select>` and makes it searchable (WAI-ARIA combobox with a list).
 *
 * The select stays the value that is posted and works alone without script. With `data-options-url` (?q=) options come
 * from the server as [{value, label, help?}]. Attribute `data-custom`: what is typed may be the value.
 */
import { all, h, icon, one } from "../lib/dom";
import { t } from "../lib/texts";

interface Option {
  value: string;
  label: string;
  help?: string | null;
}
const MOST = 100;

export class ComboBox extends HTMLElement {
  #options: Option[] = [];
  #shown: Option[] = [];
  #at = -1;
  #timer = 0;
  #asked: AbortController | undefined;
  #input!: HTMLInputElement;
  #list!: HTMLElement;

  connectedCallback(): void {
    const select = this.#select;
    if (this.#input || !select) return;
    const id = select.id;
    this.#read();
    this.#list = h("div", { class: "combo__list", role: "listbox", id: `${id}-list`, popover: "manual" });
    this.#list.setAttribute("aria-label", t("Options"));
    this.#input = h("input", {
      class: "input",
      type: "text",
      role: "combobox",
      id,
      autocomplete: "off",
      spellcheck: "false",
      "aria-expanded": "false",
      "aria-controls": this.#list.id,
      "aria-autocomplete": "list",
      placeholder: select.dataset["placeholder"] ?? t("Type to search"),
      value: this.#labelNow(),
      disabled: select.disabled,
    });
    for (const name of ["aria-describedby", "aria-invalid", "aria-required"])
      if (select.hasAttribute(name)) this.#input.setAttribute(name, select.getAttribute(name)!);
    select.removeAttribute("id");
    select.hidden = true;
    this.append(this.#input, icon("chevrons-up-down"), this.#list);
    this.#input.dataset["local"] = ""; // typing here is search, not a change of the form
    this.#input.addEventListener("input", () => this.#search());
    this.#input.addEventListener("click", () => this.#open());
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    this.#input.addEventListener("blur", () => setTimeout(() => this.#leave(), 120));
    // The form-state answer may bring other options.
    new MutationObserver(() => {
      this.#read();
      this.#input.disabled = select.disabled;
      if (document.activeElement !== this.#input) this.#input.value = this.#labelNow();
    }).observe(select, {
      childList: true,
      subtree: true,
      attributes: true,
      attributeFilter: ["selected", "disabled"],
    });
  }

  get #select(): HTMLSelectElement | null {
    return one<HTMLSelectElement>("select", this);
  }

  #read(): void {
    this.#options = [...(this.#select?.options ?? [])]
      .filter((option) => option.value)
      .map((option) => ({
        value: option.value,
        label: option.text.trim(),
        help: option.dataset["help"] ?? null,
      }));
  }

  #labelNow(): string {
    const chosen = this.#select?.selectedOptions[0];
    return chosen?.value ? chosen.text.trim() : "";
  }

  #open(): void {
    if (this.#list.matches(":popover-open") || this.#input.disabled) return;
    this.#list.showPopover();
    this.#input.setAttribute("aria-expanded", "true");
    this.#input.select();
    this.#place();
    this.#search(true);
  }

  #close(): void {
    if (this.#list.matches(":popover-open")) this.#list.hidePopover();
    this.#input.setAttribute("aria-expanded", "false");
    this.#input.removeAttribute("aria-activedescendant");
    this.#at = -1;
  }

  #place(): void {
    const at = this.#input.getBoundingClientRect();
    const below = innerHeight - at.bottom > 220 || at.top < 220;
    this.#list.style.left = `${at.left}px`;
    this.#list.style.width = `${at.width}px`;
    this.#list.style.top = below ? `${at.bottom + 4}px` : "";
    this.#list.style.bottom = below ? "" : `${innerHeight - at.top + 4}px`;
  }

  /** `everything`: the list was just opened; the text in the field is the choice, not a search. */
  #search(everything = false): void {
    if (!this.#list.matches(":popover-open")) {
      this.#list.showPopover();
      this.#input.setAttribute("aria-expanded", "true");
      this.#place();
    }
    const words = everything ? "" : this.#input.value.trim().toLowerCase();
    const url = this.dataset["optionsUrl"];
    if (url) {
      clearTimeout(this.#timer);
      this.#timer = window.setTimeout(() => void this.#ask(url, words), 180);
    } else
      this.#draw(
        this.#options.filter((option) => `${option.label} ${option.value}`.toLowerCase().includes(words)),
      );
  }

  async #ask(address: string, words: string): Promise<void> {
    this.#asked?.abort();
    this.#asked = new AbortController();
    const form = this.closest("form");
    const url = new URL(address, location.href);
    url.searchParams.set("q", words);
    // Options may depend on other fields: those are sent along, files and tokens are not.
    if (form)
      for (const [name, value] of new FormData(form))
        if (typeof value === "string" && value.length < 200 && name !== "csrfmiddlewaretoken")
          url.searchParams.append(name, value);
    try {
      const answer = await fetch(url, {
        signal: this.#asked.signal,
        headers: { Accept: "application/json" },
      });
      if (answer.ok) this.#draw((await answer.json()) as Option[]);
    } catch {
      // typed on
    }
  }

  #draw(options: Option[]): void {
    this.#shown = options.slice(0, MOST);
    const current = this.#select?.value ?? "";
    const rows: Node[] = this.#shown.map((option, i) =>
      h(
        "div",
        {
          role: "option",
          id: `${this.#list.id}-${i}`,
          "aria-selected": String(option.value === current),
          onpointerdown: (event: Event) => {
            event.preventDefault();
            this.#choose(option);
          },
        },
        h("span", {}, option.label, option.help ? h("small", {}, option.help) : null),
        option.value === current ? icon("check") : null,
      ),
    );
    if (options.length > MOST) rows.push(h("p", { class: "combo__note" }, t("More match – type on")));
    if (!rows.length) rows.push(h("p", { class: "combo__note" }, t("Nothing found")));
    this.#list.replaceChildren(...rows);
    this.#mark(this.#shown.findIndex((option) => option.value === current));
  }

  #mark(at: number): void {
    this.#at = at;
    all('[role="option"]', this.#list).forEach((row, i) => row.toggleAttribute("data-active", i === at));
    const row = document.getElementById(`${this.#list.id}-${at}`);
    if (row) this.#input.setAttribute("aria-activedescendant", row.id);
    else this.#input.removeAttribute("aria-activedescendant");
    row?.scrollIntoView({ block: "nearest" });
  }

  #key(event: KeyboardEvent): void {
    const open = this.#list.matches(":popover-open");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!open) return this.#open();
      const last = this.#shown.length - 1;
      const step = event.key === "ArrowDown" ? 1 : -1;
      this.#mark(this.#at + step > last ? 0 : this.#at + step < 0 ? last : this.#at + step);
    } else if (event.key === "Enter" && open && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      const option = this.#shown[this.#at] ?? (this.#shown.length === 1 ? this.#shown[0] : undefined);
      if (option) this.#choose(option);
      else this.#leave();
    } else if (event.key === "Escape" && open) {
      event.preventDefault();
      event.stopPropagation();
      this.#input.value = this.#labelNow();
      this.#close();
    }
  }

  #choose(option: Option): void {
    const select = this.#select!;
    let known = [...select.options].find((one) => one.value === option.value);
    if (!known) {
      known = new Option(option.label, option.value);
      select.append(known);
    }
    const changed = select.value !== option.value;
    select.value = option.value;
    this.#input.value = option.value ? option.label : "";
    this.#close();
    if (changed) select.dispatchEvent(new Event("change", { bubbles: true }));
  }

  /** Leaving takes a whole label, an own value where that is allowed, or nothing; else the choice stays. */
  #leave(): void {
    if (this.#list.contains(document.activeElement)) return;
    const text = this.#input.value.trim();
    this.#close();
    if (text === this.#labelNow()) return;
    const hit = this.#options.find((option) => option.label.toLowerCase() === text.toLowerCase());
    if (hit) this.#choose(hit);
    else if (!text) this.#choose({ value: "", label: "" });
    else if (this.hasAttribute("data-custom")) this.#choose({ value: text, label: text });
    else this.#input.value = this.#labelNow();
  }
}
customElements.define("combo-box", ComboBox);
