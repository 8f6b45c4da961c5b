/** Small DOM tools. Text goes in as text nodes only, so nothing a person typed can become markup. */
type Props = Record<string, string | number | boolean | null | undefined | ((event: never) => void)>;
type Child = Node | string | null;
const SVG = "http://www.w3.org/2000/svg";

/** Creates an element; functions in `props` become listeners ("onclick"), false and null are left out. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), props, children);
}

export function s(tag: string, props: Props = {}, ...children: Node[]): SVGElement {
  return fill(document.createElementNS(SVG, tag) as SVGElement, props, children);
}

function fill<E extends Element>(element: E, props: Props, children: Child[]): E {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function")
      element.addEventListener(name.replace(/^on/, ""), value as EventListener);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

export function icon(name: string, cls = ""): SVGElement {
  const url = document.documentElement.dataset["icons"] ?? "";
  return s(
    "svg",
    { class: `icon ${cls}`.trim(), "aria-hidden": "true" },
    s("use", { href: `${url}#i-${name}` }),
  );
}

/** The first match, or null; typed by the caller. */
export const one = <T extends Element = HTMLElement>(query: string, root: ParentNode = document): T | null =>
  root.querySelector<T>(query);
export const all = <T extends Element = HTMLElement>(query: string, root: ParentNode = document): T[] => [
  ...root.querySelectorAll<T>(query),
];

/** Reads `<script type="application/json" id=…>`, or null when it is not on the page. */
export function json<T>(id: string): T | null {
  const text = document.getElementById(id)?.textContent;
  return text ? (JSON.parse(text) as T) : null;
}

/** The CSRF token of the page, for requests that htmx does not make. */
export function csrf(): string {
  const headers = document.body.getAttribute("hx-headers");
  return headers ? ((JSON.parse(headers) as Record<string, string>)["X-CSRFToken"] ?? "") : "";
}

/** Says `text` to screen readers through the page's one polite live region. */
export function announce(text: string): void {
  const region = document.getElementById("announcer");
  if (region) region.textContent = text;
}

export const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    target.tagName === "YAML-EDITOR" ||
    /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
