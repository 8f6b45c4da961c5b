import { all, one, typing } from "../lib/dom";
import { onAction } from "./actions";
import { switchTheme } from "./theme";

/** The last part of an address -> the letter after `g`. */
const PLACES: Record<string, string> = {
  home: "h",
  apps: "a",
  requests: "r",
  approvals: "p",
  inbox: "p",
  flows: "f",
  executions: "e",
  dashboards: "d",
};

/** Single-letter keys are off in inputs and can be switched off for good (WCAG 2.1.4). */
export function startKeys(): void {
  const { dataset } = document.documentElement;
  dataset["keys"] = localStorage.getItem("portico-keys") ?? "on";
  onAction("keys", showKeys);
  let leader = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || dataset["keys"] === "off") return;
    if (typing(event.target) || one("dialog[open]") || one(".menu:popover-open")) return;
    if (Date.now() - leader < 1500) {
      leader = 0;
      const link = placeOf(event.key.toLowerCase());
      if (link) {
        event.preventDefault();
        link.click();
      }
      return;
    }
    if (event.key === "g") leader = Date.now();
    else if (event.key === "?") showKeys();
    else if (event.key === "/") focusFilter(event);
    else if (event.key === "t") switchTheme();
    else if (event.key === "j" || event.key === "k") moveRow(event.key === "j" ? 1 : -1);
  });
}

function placeOf(letter: string): HTMLAnchorElement | undefined {
  const links = all<HTMLAnchorElement>("#nav .nav__link");
  const found = links.find((link) => {
    const last = new URL(link.href).pathname.split("/").filter(Boolean).at(-1) ?? "";
    return PLACES[last] === letter;
  });
  return found ?? (letter === "h" ? links[0] : undefined);
}

/** The first link or button of each row, one row on. */
function moveRow(step: number): void {
  const stops = all("main tbody tr, main [data-row]")
    .map((row) => row.querySelector<HTMLElement>("a[href], button"))
    .filter((stop) => stop !== null && stop.offsetParent !== null) as HTMLElement[];
  if (!stops.length) return;
  const row = document.activeElement?.closest("tr, [data-row]");
  const at = stops.findIndex((stop) => row?.contains(stop));
  stops[Math.min(stops.length - 1, Math.max(0, at + step))]?.focus();
}

/** `/` goes to the page's own filter, else to the palette. */
function focusFilter(event: KeyboardEvent): void {
  event.preventDefault();
  const filter = one("[data-filter] input[type='search'], input[data-filter]");
  if (filter) filter.focus();
  else void import("./palette").then(({ togglePalette }) => togglePalette());
}

const showKeys = () => void import("./shortcuts").then((module) => module.showKeys());
