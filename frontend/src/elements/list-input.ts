/**
 * <list-input>: rows of one field (ARRAY). The server renders one `.list-input__row` per value and a `<template>` for more;
 * without script it renders a few empty rows instead (`data-spare`), which go away here.
 */
import { all, h, icon, one } from "../lib/dom";
import { t } from "../lib/texts";

export class ListInput extends HTMLElement {
  #add = h(
    "button",
    { class: "btn sm", type: "button", onclick: () => this.#append(true) },
    icon("plus"),
    t("Add a row"),
  );

  connectedCallback(): void {
    if (this.#add.isConnected) return;
    const rows = all(".list-input__row", this);
    for (const row of rows) {
      if (row.hasAttribute("data-spare") && !one<HTMLInputElement>("input", row)?.value) row.remove();
      else this.#wire(row);
    }
    this.append(this.#add);
    if (!one(".list-input__row", this)) this.#append(false);
    this.#limits();
  }

  #append(focus: boolean): void {
    const fresh = one<HTMLTemplateElement>("template", this)?.content.firstElementChild?.cloneNode(true);
    if (!(fresh instanceof HTMLElement)) return;
    this.#add.before(fresh);
    this.#wire(fresh);
    this.#limits();
    if (focus) one("input, select", fresh)?.focus();
  }

  #wire(row: HTMLElement): void {
    const remove = h(
      "button",
      {
        class: "btn ghost icon-only",
        type: "button",
        "aria-label": t("Remove this row"),
        title: t("Remove this row"),
        onclick: () => this.#remove(row),
      },
      icon("trash-2"),
    );
    row.append(remove);
    one("input", row)?.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.ctrlKey || event.metaKey) return;
      event.preventDefault(); // Enter makes the next row, it does not send the form
      this.#append(true);
    });
  }

  #remove(row: HTMLElement): void {
    const next = (row.nextElementSibling ?? row.previousElementSibling) as HTMLElement | null;
    row.remove();
    if (!one(".list-input__row", this)) this.#append(false);
    this.#limits();
    (next && one("input", next) ? one("input", next) : this.#add)?.focus();
    this.dispatchEvent(new Event("change", { bubbles: true }));
  }

  #limits(): void {
    const rows = all(".list-input__row", this).length;
    const most = Number(this.dataset["max"] ?? 0);
    this.#add.disabled = this.hasAttribute("data-disabled") || (most > 0 && rows >= most);
  }
}
customElements.define("list-input", ListInput);
