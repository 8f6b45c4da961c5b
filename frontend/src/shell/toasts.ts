import { all, h, icon } from "../lib/dom";
import { t } from "../lib/texts";

interface Options {
  tone?: string | undefined;
  detail?: string | undefined;
  retry?: (() => void) | undefined;
}
const ICONS: Record<string, string> = {
  success: "circle-check",
  failed: "circle-x",
  warning: "triangle-alert",
  running: "info",
};

/** Server messages become toasts; `HX-Trigger: {"toast": "Saved"}` or {"toast": {"text", "tone"}} makes one. */
export function startToasts(): void {
  document.body.addEventListener("toast", (event) => {
    const detail = (event as CustomEvent<{ value?: string; text?: string; tone?: string }>).detail;
    toast(detail.value ?? detail.text ?? "", { tone: detail.tone });
  });
  document.addEventListener("click", (event) =>
    (event.target as Element).closest("[data-toast-close]")?.closest(".toast")?.remove(),
  );
  for (const shown of all("#toasts .toast")) leave(shown);
}

/** Good news leave after a while; an error stays until it is closed. Pointing at a toast keeps it. */
function leave(element: HTMLElement): void {
  if (element.dataset["state"] === "failed") return;
  let timer = 0;
  const start = () => (timer = window.setTimeout(() => element.remove(), 6000));
  for (const stop of ["mouseenter", "focusin"]) element.addEventListener(stop, () => clearTimeout(timer));
  for (const go of ["mouseleave", "focusout"]) element.addEventListener(go, start);
  start();
}

export function toast(text: string, { tone = "success", detail = "", retry }: Options = {}): void {
  const box = document.getElementById("toasts");
  if (!box || !text) return;
  const element = h(
    "div",
    { class: "toast", "data-state": tone, role: tone === "failed" ? "alert" : "status" },
    icon(ICONS[tone] ?? "info"),
    h("div", {}, h("p", {}, text), detail ? h("small", {}, t("Request {id}", { id: detail })) : null),
    retry
      ? h(
          "button",
          { class: "btn sm", type: "button", onclick: () => (element.remove(), retry()) },
          t("Retry"),
        )
      : null,
    h(
      "button",
      {
        class: "btn ghost sm icon-only",
        type: "button",
        "data-toast-close": true,
        "aria-label": t("Close"),
      },
      icon("x"),
    ),
  );
  box.append(element);
  leave(element);
}
