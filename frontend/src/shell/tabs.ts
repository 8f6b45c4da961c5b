import { all } from "../lib/dom";

/**
 * Tabs (WAI-ARIA): arrow keys move, `aria-controls` names the panel. Lists of links that look like tabs need nothing.
 * The choice is kept in `data-remember="NAME"` when the list has one (the technical switch of the run page).
 */
export function startTabs(): void {
  document.addEventListener("click", (event) => {
    const tab = (event.target as Element).closest<HTMLElement>('[role="tab"]');
    if (tab) show(tab);
  });
  document.addEventListener("keydown", (event) => {
    const tab = (event.target as Element).closest?.<HTMLElement>('[role="tab"]');
    const list = tab && tabsOf(tab);
    if (!tab || !list) return;
    const at = list.indexOf(tab);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: list.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const wanted = list[(next + list.length) % list.length]!;
    show(wanted);
    wanted.focus();
  });
  for (const list of all('[role="tablist"][data-remember]')) {
    const wanted = localStorage.getItem(`portico-tab-${list.dataset["remember"]}`);
    const tab = wanted && all('[role="tab"]', list).find((one) => one.dataset["tab"] === wanted);
    if (tab) show(tab);
  }
}

const tabsOf = (tab: HTMLElement) => all('[role="tab"]', tab.closest('[role="tablist"]') ?? document);

function show(tab: HTMLElement): void {
  const list = tab.closest<HTMLElement>('[role="tablist"]');
  if (!list) return;
  for (const other of tabsOf(tab)) {
    const on = other === tab;
    other.setAttribute("aria-selected", String(on));
    other.tabIndex = on ? 0 : -1;
    const panel = document.getElementById(other.getAttribute("aria-controls") ?? "");
    if (panel) panel.hidden = !on;
  }
  if (list.dataset["remember"] && tab.dataset["tab"])
    localStorage.setItem(`portico-tab-${list.dataset["remember"]}`, tab.dataset["tab"]);
  list.dispatchEvent(new CustomEvent("tab-change", { detail: tab.id, bubbles: true }));
}
