import { all } from "../lib/dom";
import { relative } from "../lib/spans";
import { language } from "../lib/texts";

/** `<time datetime data-relative>` says "3 minutes ago" and keeps saying what is true; the exact time is in its title. */
export function startTimes(): void {
  const zone = document.documentElement.dataset["zone"];
  const exact = new Intl.DateTimeFormat(language(), {
    dateStyle: "full",
    timeStyle: "long",
    ...(zone ? { timeZone: zone } : {}),
  });
  const tick = () => {
    for (const element of all<HTMLTimeElement>("time[data-relative]")) {
      const at = Date.parse(element.dateTime);
      if (Number.isNaN(at)) continue;
      const text = relative(at - Date.now(), language());
      if (element.textContent !== text) element.textContent = text;
      if (!element.title) element.title = exact.format(at);
    }
  };
  tick();
  setInterval(() => document.hidden || tick(), 30_000);
  document.addEventListener("htmx:afterSettle", tick);
  document.addEventListener("partials-applied", tick);
}
