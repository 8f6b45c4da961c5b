import { one } from "../lib/dom";

/**
 * The navigation on a phone. Without script the button is a link to #nav and CSS shows the target; here it opens as a
 * layer: the page behind is inert, Escape and a tap beside it close, the focus comes back.
 */
export function startDrawer(): void {
  const nav = one("#nav");
  const toggle = one("[data-drawer]");
  const main = one(".main");
  if (!nav || !toggle || !main) return;
  const set = (open: boolean) => {
    if (document.documentElement.hasAttribute("data-drawer-open") === open) return;
    document.documentElement.toggleAttribute("data-drawer-open", open);
    main.inert = open;
    toggle.setAttribute("aria-expanded", String(open));
    if (open) nav.querySelector<HTMLElement>("a, button")?.focus();
    else toggle.focus();
  };
  toggle.setAttribute("role", "button");
  toggle.setAttribute("aria-expanded", "false");
  toggle.setAttribute("aria-controls", "nav");
  toggle.addEventListener("click", (event) => {
    event.preventDefault();
    set(true);
  });
  toggle.addEventListener("keydown", (event) => {
    if (event.key !== " ") return;
    event.preventDefault();
    set(true);
  });
  document.addEventListener("keydown", (event) => event.key === "Escape" && set(false));
  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    if (!nav.contains(target) && !toggle.contains(target)) set(false);
  });
  matchMedia("(min-width: 901px)").addEventListener("change", () => set(false));
}
