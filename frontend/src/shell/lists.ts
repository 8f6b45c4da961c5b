import htmx from "htmx.org";
import { all, h, icon, one } from "../lib/dom";
import { LiveSocket, type Hint } from "../lib/live";
import { morph } from "../lib/morph";
import { t } from "../lib/texts";

/**
 * The tenant's one socket says that lists changed. `[data-refresh="executions approvals"]` regions (with hx-get and
 * hx-trigger="refresh" hx-swap="morph" and an id) are fetched again, at most once a second; where the person is at work inside, a pill offers it.
 */
export function startLists(address: string): void {
  htmx.defineExtension("morph", {
    isInlineSwap: (style: string) => style === "morph",
    handleSwap: (style: string, target: Node, fragment: Node) => {
      const fresh = (fragment as DocumentFragment).firstElementChild;
      if (style !== "morph" || !fresh) return false;
      const { id } = target as Element;
      morph(target as Element, fresh);
      return [document.getElementById(id) ?? target];
    },
  } as never);
  let timer = 0;
  const wanted = new Set<string>();
  new LiveSocket(
    address,
    () => 0,
    (hint: Hint) => {
      for (const [name, count] of Object.entries(hint.counts ?? {})) showCount(name, count);
      for (const name of hint.lists ?? (hint.counts ? [] : ["*"])) wanted.add(name);
      if (!wanted.size) return;
      timer ||= window.setTimeout(() => {
        timer = 0;
        const names = new Set(wanted);
        wanted.clear();
        for (const region of all("[data-refresh]")) {
          const own = region.dataset["refresh"]!.split(" ");
          if (names.has("*") || own.some((name) => names.has(name))) refresh(region);
        }
      }, 1000);
    },
  );
}

function showCount(name: string, count: number): void {
  for (const badge of all(`[data-count="${CSS.escape(name)}"]`)) {
    badge.hidden = !count;
    const number = one("[data-number]", badge) ?? badge;
    number.textContent = String(count);
  }
}

function refresh(region: HTMLElement): void {
  const busy =
    region.contains(document.activeElement) || !!one(":popover-open", region) || !!one("dialog[open]");
  if (!busy) {
    one(".new-pill", region)?.remove();
    htmx.trigger(region, "refresh", {});
    return;
  }
  if (one(".new-pill", region)) return;
  const pill = h(
    "button",
    {
      class: "btn sm new-pill",
      type: "button",
      onclick: () => {
        pill.remove();
        htmx.trigger(region, "refresh", {});
      },
    },
    icon("rotate-cw"),
    t("Something is new – show"),
  );
  region.prepend(pill);
}
