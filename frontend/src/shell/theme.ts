import { onAction } from "./actions";

/** Light, dark or the system's. Kept in a cookie, so the server writes it into the page and nothing flashes. */
export function startTheme(): void {
  onAction("theme", switchTheme);
}

export function switchTheme(): void {
  const { dataset } = document.documentElement;
  const dark = dataset["theme"]
    ? dataset["theme"] === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  dataset["theme"] = dark ? "light" : "dark";
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `portico_theme=${dataset["theme"]}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  document.dispatchEvent(new CustomEvent("theme-change"));
}
