import { compare, csvField } from "../lib/cells";
import { all, announce, one } from "../lib/dom";
import { language, t } from "../lib/texts";

/**
 * `<div data-table>` (components/data_table.html): sort by head, search, CSV, all in the page. Without script it is a
 * plain table.
 */
let started = false;
export function startTables(): void {
  if (started) return;
  started = true;
  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    const head = target.closest<HTMLElement>("[data-table] th button");
    if (head) sort(head.closest("th")!);
    const save = target.closest<HTMLElement>("[data-csv]");
    if (save) download(save.closest<HTMLElement>("[data-table]")!, save.dataset["csv"] || "table");
  });
  document.addEventListener("input", (event) => {
    const box = (event.target as Element).closest<HTMLInputElement>("[data-table-search]");
    if (box) search(box.closest<HTMLElement>("[data-table]")!, box.value);
  });
}

const cells = (row: HTMLTableRowElement, at: number) =>
  row.cells[at]?.dataset["value"] ?? row.cells[at]?.innerText ?? "";

function sort(head: HTMLTableCellElement): void {
  const body = head.closest("table")?.tBodies[0];
  if (!body) return;
  const up = head.getAttribute("aria-sort") !== "ascending";
  for (const other of all("th[aria-sort]", head.parentElement!)) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const rows = [...body.rows];
  rows.sort(
    (a, b) => compare(cells(a, head.cellIndex), cells(b, head.cellIndex), language()) * (up ? 1 : -1),
  );
  body.append(...rows);
}

function search(root: HTMLElement, words: string): void {
  const wanted = words.trim().toLowerCase();
  let shown = 0;
  for (const row of all<HTMLTableRowElement>("tbody tr", root)) {
    row.hidden =
      !!wanted &&
      !row.innerText.toLowerCase().includes(wanted) &&
      !(row.textContent ?? "").toLowerCase().includes(wanted);
    if (!row.hidden) shown++;
  }
  const count = one("[data-table-count]", root);
  const text = t("{n} rows", { n: shown });
  if (count) count.textContent = text;
  announce(text);
}

function download(root: HTMLElement, name: string): void {
  const table = one<HTMLTableElement>("table", root)!;
  const heads = [...(table.tHead?.rows[0]?.cells ?? [])].map((cell) => cell.innerText.trim());
  const rows = [...(table.tBodies[0]?.rows ?? [])]
    .filter((row) => !row.hidden)
    .map((row) => [...row.cells].map((_, i) => cells(row, i)));
  const text = [heads, ...rows].map((row) => row.map(csvField).join(",")).join("\r\n");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv" }));
  link.download = `${name}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
