/**
 * Forms that people fill in (`<form data-form>`, README.md, "Forms"). They work without this file: it adds staged uploads with
 * progress, fields that depend on others, rows, search in long lists, Ctrl Enter and the focus on the error summary.
 */
import "./elements/combo-box";
import "./elements/file-drop";
import "./elements/list-input";
import { all, announce, csrf, one } from "./lib/dom";
import { morph, parse } from "./lib/morph";
import { isoDuration } from "./lib/spans";
import { t } from "./lib/texts";

class AppForm {
  #timer = 0;
  #asked: AbortController | undefined;
  #sent = false;
  /** A submit that waits for an upload; the button it came from, if any. */
  #waiting: { by: HTMLElement | null } | undefined;

  constructor(private readonly form: HTMLFormElement) {
    form.addEventListener("change", (event) => this.#changed(event, 200));
    form.addEventListener("input", (event) => {
      const field = event.target as HTMLInputElement;
      // Free text asks less often than a choice; the change event at the end asks at once.
      if (/^(text|email|url|number|search)$/.test(field.type) || field.tagName === "TEXTAREA")
        this.#changed(event, 700);
    });
    form.addEventListener("keydown", (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
        event.preventDefault();
        form.requestSubmit();
      }
    });
    form.addEventListener("submit", (event) => this.#submit(event));
    form.addEventListener("upload-ended", (event) => this.#uploaded((event as CustomEvent<boolean>).detail));
    addEventListener("pageshow", () => this.#rest());
  }

  #changed(event: Event, delay: number): void {
    const field = event.target as HTMLInputElement;
    if (field.type === "file" || field.closest("[data-local]")) return;
    if (event.type === "change" && field.dataset["widget"] === "duration") this.#duration(field);
    if (!this.form.dataset["stateUrl"]) return;
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#state(), delay);
  }

  /** "1h 30m" becomes PT1H30M where a duration is asked for. */
  #duration(field: HTMLInputElement): void {
    const iso = isoDuration(field.value);
    if (iso && iso !== field.value) field.value = iso;
  }

  /** The server looks at the whole form again: which fields show, which options they have, what they start with. */
  async #state(): Promise<void> {
    this.#asked?.abort();
    this.#asked = new AbortController();
    const body = new FormData(this.form);
    for (const [name, value] of [...body]) if (value instanceof File) body.delete(name);
    for (const [name, value] of stagedValues(this.form)) body.set(name, value);
    try {
      const answer = await fetch(this.form.dataset["stateUrl"]!, {
        method: "POST",
        body,
        headers: { "X-CSRFToken": csrf(), "HX-Request": "true" },
        signal: this.#asked.signal,
      });
      if (!answer.ok) return;
      for (const fresh of parse(await answer.text())) this.#apply(fresh);
    } catch {
      // changed again, or no network: submit validates everything anyway
    }
  }

  #apply(fresh: HTMLElement): void {
    const target = fresh.id && document.getElementById(fresh.id);
    if (!target) return;
    fresh.removeAttribute("hx-swap-oob");
    // Never the field someone is in: it would lose what is typed and where.
    if (target.contains(document.activeElement) && !fresh.hidden) return;
    const showed = target.hidden && !fresh.hidden;
    morph(target, fresh);
    if (showed)
      announce(
        t("New field: {label}", {
          label: (one("label, legend", target)?.innerText ?? "").replace(/\s*\*.*/s, "").trim(),
        }),
      );
    document.dispatchEvent(new CustomEvent("partials-applied", { detail: [fresh.id] }));
  }

  #submit(event: SubmitEvent): void {
    if (one("file-drop[data-busy]", this.form)) {
      event.preventDefault();
      announce(t("A file is still being uploaded."));
      this.#waiting = { by: event.submitter };
      this.#busy(event.submitter);
      return;
    }
    if (this.#sent) {
      event.preventDefault(); // a second click while the first is on its way
      return;
    }
    for (const field of all<HTMLInputElement>('[data-widget="duration"]', this.form)) this.#duration(field);
    this.#sent = true;
    this.#busy(event.submitter);
    // Where the answer never comes the person must be able to try again.
    setTimeout(() => this.#rest(), 20_000);
  }

  /** Sends what was submitted meanwhile, once every file is there; a file that was not taken calls it off. */
  #uploaded(taken: boolean): void {
    const { by } = this.#waiting ?? {};
    if (!this.#waiting || (taken && one("file-drop[data-busy]", this.form))) return;
    this.#waiting = undefined;
    this.#rest();
    if (taken) this.form.requestSubmit(by);
  }

  #busy(button: HTMLElement | null): void {
    if (!button) return;
    button.dataset["busy"] = "";
    button.setAttribute("aria-disabled", "true");
  }

  #rest(): void {
    this.#sent = false;
    for (const button of all("[data-busy]:is(button)", this.form)) {
      delete button.dataset["busy"];
      button.removeAttribute("aria-disabled");
    }
  }
}

function* stagedValues(form: HTMLFormElement): Generator<[string, string]> {
  for (const input of all<HTMLInputElement>("file-drop input[type=hidden]:not(:disabled)", form))
    if (input.value) yield [input.name, input.value];
}

const made = new WeakSet<Element>();
function start(): void {
  for (const form of all<HTMLFormElement>("form[data-form]")) {
    if (made.has(form)) continue;
    made.add(form);
    new AppForm(form);
  }
  one("[data-error-summary]")?.focus();
}
start();
document.addEventListener("htmx:afterSettle", start);
