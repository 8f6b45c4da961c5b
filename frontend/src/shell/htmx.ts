import htmx from "htmx.org";
import { t } from "../lib/texts";
import { toast } from "./toasts";

interface Answer {
  xhr: XMLHttpRequest;
  shouldSwap: boolean;
  requestConfig: { verb: string; path: string; elt: Element };
  target: Element;
}

/**
 * Configures htmx: nothing is evaluated, no page is kept in storage, 422 swaps (a form with its errors), every other
 * error leaves the page as it is and says so.
 */
export function startHtmx(): void {
  Object.assign(htmx.config, {
    allowEval: false,
    allowScriptTags: false,
    includeIndicatorStyles: false,
    selfRequestsOnly: true,
    // Else a button inside a list that refreshes itself would take over the list's hx-select and hx-swap.
    disableInheritance: true,
    historyCacheSize: 0,
    refreshOnHistoryMiss: true,
    globalViewTransitions: false,
    scrollBehavior: "instant",
    responseHandling: [
      { code: "204", swap: false },
      { code: "[23]..", swap: true },
      { code: "422", swap: true },
      { code: "[45]..", swap: false, error: true },
    ],
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const answer = (event as CustomEvent<Answer>).detail;
    // A redirect to the sign-in page must not land inside a partial.
    if (/^\/sign-in\b/.test(new URL(answer.xhr.responseURL || location.href, location.href).pathname)) {
      answer.shouldSwap = false;
      if (!location.pathname.startsWith("/sign-in")) location.reload();
    }
  });
  document.addEventListener("htmx:responseError", (event) => {
    const { xhr, requestConfig, target } = (event as CustomEvent<Answer>).detail;
    const sentence =
      {
        403: t("You may not do this."),
        404: t("This is no longer there."),
        409: t("Somebody changed this meanwhile. Reload the page and try again."),
        413: t("This is too large."),
        429: t("Too many tries. Wait a moment."),
      }[xhr.status] ?? t("The server could not answer.");
    const retry =
      requestConfig.verb === "get"
        ? () =>
            void htmx.ajax("get", requestConfig.path, {
              source: requestConfig.elt,
              target: target as HTMLElement,
            })
        : undefined;
    toast(sentence, { tone: "failed", detail: xhr.getResponseHeader("X-Request-ID") ?? "", retry });
  });
  document.addEventListener("htmx:sendError", () =>
    toast(t("The server cannot be reached. Check your connection."), { tone: "failed" }),
  );
  document.addEventListener("partials-applied", (event) => {
    for (const id of (event as CustomEvent<string[]>).detail) {
      const element = document.getElementById(id);
      if (element) htmx.process(element);
    }
  });
}
