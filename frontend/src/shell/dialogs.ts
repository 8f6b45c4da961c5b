import { all, one } from "../lib/dom";
import { onAction } from "./actions";

/**
 * Dialogs. Three ways in: `data-dialog="ID"` opens a `<dialog id>` of the page; a link with `hx-get` and
 * `hx-target="#dialog"` fills the shell's own; `showDialog` (made-dialog.ts) makes one. The server closes with the event "dialog-close".
 */
export function startDialogs(): void {
  onAction("dialog-close", (button) => button.closest("dialog")?.close());
  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    const opener = target.closest<HTMLElement>("[data-dialog]");
    const wanted = opener && document.getElementById(opener.dataset["dialog"]!);
    if (wanted instanceof HTMLDialogElement) {
      event.preventDefault();
      wanted.showModal();
    } else if (target instanceof HTMLDialogElement && !target.hasAttribute("data-keep")) {
      // The dialog itself is only hit beside its content, which fills it.
      target.close();
    }
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const target = (event as CustomEvent<{ target: Element }>).detail.target;
    if (target instanceof HTMLDialogElement && target.childElementCount && !target.open) target.showModal();
  });
  document.body.addEventListener("dialog-close", () => {
    for (const dialog of all<HTMLDialogElement>("dialog[open]")) dialog.close();
  });
  // A form inside a dialog that was refused keeps its dialog open; nothing else to do here.
  const shared = one<HTMLDialogElement>("#dialog");
  shared?.addEventListener("close", () => shared.replaceChildren());
}
