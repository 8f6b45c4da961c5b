import { h } from "../lib/dom";
import { t } from "../lib/texts";
import { showDialog } from "./made-dialog";

/** The list of keys, with the switch for single letters. */
export function showKeys(): void {
  const rows: [string, string][] = [
    ["Ctrl K", t("Search and commands")],
    ["/", t("Go to the filter")],
    ["g h", t("Home")],
    ["g a", t("Apps")],
    ["g r", t("My requests")],
    ["g p", t("Approvals")],
    ["g f", t("Flows")],
    ["g e", t("Executions")],
    ["j k", t("Next and previous row")],
    ["t", t("Switch between light and dark")],
    ["l f e", t("On a run: logs, follow, next error")],
    ["Ctrl Enter", t("In a form: send")],
    ["Ctrl S F8", t("In the editor: save, next problem")],
    ["Esc", t("Close")],
  ];
  const box = h("input", { type: "checkbox", id: "keys-on", class: "switch" });
  box.checked = document.documentElement.dataset["keys"] !== "off";
  box.addEventListener("change", () => {
    document.documentElement.dataset["keys"] = box.checked ? "on" : "off";
    localStorage.setItem("portico-keys", box.checked ? "on" : "off");
  });
  const list = h("dl", { class: "keys" });
  for (const [keys, what] of rows)
    list.append(h("dt", {}, ...keys.split(" ").map((key) => h("kbd", {}, key))), h("dd", {}, what));
  showDialog(
    t("Keyboard shortcuts"),
    list,
    h("label", { class: "check", for: "keys-on" }, box, t("Single-letter keys")),
  );
}
