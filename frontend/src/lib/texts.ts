/**
 * Sentences and state looks, both given by the page (`browser_texts` in config/assets.py).
 *
 * The English sentence is the key: `t("{n} problems", { n: 3 })`. A sentence used here and missing in
 * config/browser_texts.py fails tests/core/test_assets.py.
 */
export interface Look {
  label: string;
  tone: string;
  icon: string;
}
interface Catalogue {
  language: string;
  texts: Record<string, string>;
  looks: Record<string, Look>;
}

let catalogue: Catalogue | undefined;
function given(): Catalogue {
  if (!catalogue) {
    const text =
      typeof document === "undefined" ? null : document.getElementById("browser-texts")?.textContent;
    catalogue = text ? (JSON.parse(text) as Catalogue) : { language: "en", texts: {}, looks: {} };
  }
  return catalogue;
}

export function t(sentence: string, values: Record<string, string | number> = {}): string {
  const text = given().texts[sentence] ?? sentence;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** Word, colour family and icon of a state ("RUNNING"); an unknown one is shown by its own name. */
export function look(state: string): Look {
  return given().looks[state] ?? { label: state, tone: "queued", icon: "circle-dashed" };
}

export const language = (): string => given().language;
