import { all } from "../lib/dom";

/** Menus are popovers: the browser opens and closes them. Here they get their place and the arrow keys. */
export function startMenus(): void {
  document.addEventListener(
    "toggle",
    (event) => {
      const menu = event.target as HTMLElement;
      if (!menu.matches?.(".menu[popover]")) return;
      const open = (event as ToggleEvent).newState === "open";
      const button = document.querySelector<HTMLElement>(`[popovertarget="${menu.id}"]`);
      button?.setAttribute("aria-expanded", String(open));
      if (!open || !button) return;
      place(menu, button);
      items(menu)[0]?.focus();
    },
    true, // toggle does not bubble
  );
  document.addEventListener("keydown", (event) => {
    const menu = (event.target as Element).closest?.<HTMLElement>(".menu:popover-open");
    if (!menu) return;
    const list = items(menu);
    const at = list.indexOf(document.activeElement as HTMLElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: list.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    list[(next + list.length) % list.length]?.focus();
  });
  addEventListener("resize", () => all(".menu:popover-open").forEach((menu) => menu.hidePopover()));
}

const items = (menu: HTMLElement) => all("a[href], button:not([disabled])", menu);

function place(menu: HTMLElement, button: HTMLElement): void {
  const at = button.getBoundingClientRect();
  const width = Math.max(menu.offsetWidth, menu.dataset["wide"] === undefined ? 0 : at.width);
  const left = at.left + width > innerWidth - 8 ? at.right - width : at.left;
  const below = at.bottom + 6 + menu.offsetHeight <= innerHeight - 8;
  const top = below ? at.bottom + 6 : at.top - 6 - menu.offsetHeight;
  menu.style.left = `${Math.max(8, left)}px`;
  menu.style.top = `${Math.max(8, top)}px`;
  if (menu.dataset["wide"] !== undefined) menu.style.minWidth = `${at.width}px`;
}
