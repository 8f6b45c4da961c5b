import { h, icon } from "../lib/dom";
import { t } from "../lib/texts";

/** Makes, shows and forgets a dialog with a head and the given content. */
export function showDialog(title: string, ...content: Node[]): HTMLDialogElement {
  const dialog = h(
    "dialog",
    { class: "dialog", "aria-labelledby": "made-dialog-title" },
    h(
      "div",
      { class: "dialog__box" },
      h(
        "header",
        { class: "dialog__head" },
        h("h2", { id: "made-dialog-title" }, title),
        h(
          "button",
          {
            class: "btn ghost sm icon-only",
            type: "button",
            "data-action": "dialog-close",
            "aria-label": t("Close"),
          },
          icon("x"),
        ),
      ),
      h("div", { class: "dialog__body" }, ...content),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
