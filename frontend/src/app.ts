/** Loaded on every page. Each part wires itself by delegation, so content that comes later needs nothing more. */
import { one } from "./lib/dom";
import { onAction } from "./shell/actions";
import { startDialogs } from "./shell/dialogs";
import { startDrawer } from "./shell/drawer";
import { startHtmx } from "./shell/htmx";
import { startKeys } from "./shell/keys";
import { startMenus } from "./shell/menus";
import { startTabs } from "./shell/tabs";
import { startTheme } from "./shell/theme";
import { startTimes } from "./shell/times";
import { startToasts } from "./shell/toasts";

startHtmx();
startTheme();
startDrawer();
startDialogs();
startMenus();
startTabs();
startToasts();
startTimes();
startKeys();

// Needed on some pages only, or only when asked for: fetched then.
const openPalette = () => void import("./shell/palette").then(({ togglePalette }) => togglePalette());
onAction("palette", openPalette);
document.addEventListener("keydown", (event) => {
  if (!(event.metaKey || event.ctrlKey) || event.shiftKey || event.key.toLowerCase() !== "k") return;
  event.preventDefault();
  openPalette();
});
const live = document.body.dataset["liveUrl"];
if (live) void import("./shell/lists").then(({ startLists }) => startLists(live));
if (one("[data-table]")) void import("./shell/tables").then(({ startTables }) => startTables());
else
  document.addEventListener(
    "partials-applied",
    () => one("[data-table]") && void import("./shell/tables").then(({ startTables }) => startTables()),
  );
document.documentElement.dataset["ready"] = "";
