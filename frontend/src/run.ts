/**
 * A page about one run. The HTML already holds the state, so the page is right without script; this only keeps it so.
 *
 * The root is `[data-live]` (README.md, "Run page"). The socket says "something changed"; what changed is fetched from
 * `data-changes` and applied by name, so applying an answer twice changes nothing.
 */
import "./css/live.css";
import "./elements/flow-graph";
import "./elements/gantt-chart";
import "./elements/log-view";
import type { FlowGraph } from "./elements/flow-graph";
import type { GanttChart, RunRow } from "./elements/gantt-chart";
import type { LogView } from "./elements/log-view";
import { all, announce, csrf, h, icon, json, one, typing } from "./lib/dom";
import { together, type GraphData } from "./lib/graph";
import { LiveSocket, type Status } from "./lib/live";
import type { LogLine } from "./lib/logs";
import { applyPartials, morph, parse } from "./lib/morph";
import { duration } from "./lib/spans";
import { look, t } from "./lib/texts";

interface Changes {
  version: number;
  final: boolean;
  now?: string | number;
  state?: string;
  html?: Record<string, string>;
  graph?: GraphData;
  runs?: RunRow[];
  logs?: LogLine[];
  cursor?: string | number;
  /** There are more log lines than one answer holds: ask again at once. */
  more?: boolean;
}

const POLL = 15_000;
const PATIENCE = 10_000;

class RunPage {
  #version: number;
  #cursor: string;
  #final: boolean;
  #wanted = -1;
  #busy = false;
  #skew = 0;
  #socket: LiveSocket | undefined;
  #pollTimer = 0;
  #status: Status = "connecting";
  readonly #states = new Map<string, Map<string, string>>();
  readonly #graph = one<FlowGraph>("flow-graph");
  readonly #gantt = one<GanttChart>("gantt-chart");
  readonly #logs = one<LogView>("log-view");

  constructor(private readonly root: HTMLElement) {
    this.#version = Number(root.dataset["version"] ?? 0);
    this.#cursor = root.dataset["cursor"] ?? "";
    this.#final = root.dataset["final"] === "true";
    if (this.#gantt) this.#gantt.now = () => Date.now() + this.#skew;
    const given = json<Partial<Changes>>(root.dataset["run"] ?? "run-data");
    if (given) this.#apply({ version: this.#version, final: this.#final, ...given });
    document.addEventListener("node-select", (event) => {
      const { task, run } = (event as CustomEvent<{ task: string; run?: string }>).detail;
      this.select(task, run);
    });
    document.addEventListener("tab-change", () => this.#graph?.fit());
    document.addEventListener(
      "visibilitychange",
      () => !document.hidden && this.#status !== "live" && this.#fetch(),
    );
    this.#keys();
    this.#clocks();
    const named = decodeURIComponent(location.hash.slice(1));
    if (this.#states.has(named)) this.select(named);
    if (this.#final) this.#say("ended");
    else this.#listen();
  }

  #listen(): void {
    const url = this.root.dataset["live"];
    if (url)
      this.#socket = new LiveSocket(
        url,
        () => this.#version,
        (hint) => {
          const version = hint.version ?? this.#version + 1;
          if (version > this.#version || (hint.final && !this.#final)) this.#fetch(version);
        },
        (status) => this.#say(status),
      );
    // Ten seconds without a socket: ask by ourselves until it is back.
    setTimeout(() => this.#status !== "live" && this.#poll(), url ? PATIENCE : 0);
  }

  #poll(): void {
    clearTimeout(this.#pollTimer);
    if (this.#final || ["live", "signed-out", "refused", "gone"].includes(this.#status)) return;
    if (!document.hidden) void this.#fetch();
    this.#pollTimer = window.setTimeout(() => this.#poll(), this.root.dataset["live"] ? POLL : POLL / 5);
  }

  #say(status: Status): void {
    const before = this.#status;
    this.#status = status;
    if (status === "live" && before !== "connecting") this.#fetch(); // what was missed while away
    if (status === "reconnecting" && before === "live") setTimeout(() => this.#poll(), PATIENCE);
    const badge = document.getElementById("live-badge");
    if (!badge) return;
    const shown = {
      connecting: ["queued", "activity", t("Connecting…")],
      live: ["success", "activity", t("Live")],
      reconnecting: ["warning", "rotate-cw", t("Reconnecting…")],
      ended: ["queued", "circle-check", t("Ended")],
      "signed-out": ["warning", "triangle-alert", t("Signed out – sign in again")],
      refused: ["warning", "triangle-alert", t("No longer allowed")],
      gone: ["queued", "ban", t("No longer there")],
    }[status] as [string, string, string];
    badge.hidden = false;
    badge.dataset["state"] = shown[0];
    badge.replaceChildren(icon(shown[1]), shown[2]);
  }

  /** Fetches until the page is at least at `version`; calls while one is under way make one more round. */
  async #fetch(version = -1): Promise<void> {
    this.#wanted = Math.max(this.#wanted, version);
    const address = this.root.dataset["changes"];
    if (this.#busy || !address) return;
    this.#busy = true;
    try {
      for (let round = 0; round < 200; round++) {
        const url = new URL(address, location.href);
        url.searchParams.set("since", String(this.#version));
        url.searchParams.set("logs", this.#cursor);
        const answer = await fetch(url, { headers: { Accept: "application/json", "X-CSRFToken": csrf() } });
        if (!answer.ok) {
          if (answer.status === 401) this.#say("signed-out");
          if (answer.status === 404) this.#say("gone");
          return;
        }
        const changes = (await answer.json()) as Changes;
        const before = this.#version;
        this.#apply(changes);
        const behind = this.#wanted > this.#version && this.#version > before;
        if (!changes.more && !behind) break;
      }
    } catch {
      // no network: the next hint, poll or "online" asks again
    } finally {
      this.#busy = false;
      this.#wanted = -1;
    }
  }

  #apply(changes: Changes): void {
    if (changes.now !== undefined) this.#skew = new Date(changes.now).getTime() - Date.now();
    if (changes.version >= this.#version) {
      this.#version = changes.version;
      if (changes.html) applyPartials(changes.html);
      if (changes.graph && this.#graph) this.#graph.graph = changes.graph;
      if (changes.runs) this.#merge(changes.runs);
      if (changes.state) this.#tell(changes.state);
    }
    if (changes.logs?.length) this.#logs?.merge(changes.logs);
    if (changes.cursor !== undefined) this.#cursor = String(changes.cursor);
    if (changes.final && !this.#final) {
      this.#final = true;
      this.#socket?.close();
      this.#say("ended");
      document.dispatchEvent(new CustomEvent("run-ended"));
    }
  }

  #merge(runs: RunRow[]): void {
    this.#gantt?.merge(runs);
    for (const run of runs) {
      const states = this.#states.get(run.task) ?? new Map<string, string>();
      states.set(run.id, run.state);
      this.#states.set(run.task, states);
    }
    if (!this.#graph) return;
    for (const [task, states] of this.#states) this.#graph.states[task] = together([...states.values()])!;
    this.#graph.paint();
  }

  #state = "";
  #tell(state: string): void {
    if (this.#state && this.#state !== state)
      announce(t("The run is now: {state}", { state: look(state).label }));
    this.#state = state;
    const name = this.root.dataset["title"];
    if (name) document.title = `${look(state).label} · ${name}`;
  }

  /** The same choice in timeline, graph, logs, details and address. */
  select(task: string, run?: string): void {
    this.#graph?.select(task);
    const first = run ?? [...(this.#states.get(task)?.keys() ?? [])].at(-1);
    if (first !== undefined) this.#gantt?.select(first);
    this.#logs?.narrow({ task: run ?? task });
    const chip = document.getElementById("log-task");
    if (chip) {
      chip.hidden = false;
      chip.replaceChildren(
        task,
        icon("x"),
        h("span", { class: "sr-only" }, t("Show the lines of all steps")),
      );
      chip.onclick = () => {
        chip.hidden = true;
        this.#logs?.narrow({ task: "" });
        history.replaceState(null, "", location.pathname + location.search);
      };
    }
    history.replaceState(null, "", `#${encodeURIComponent(task)}`);
    if (first !== undefined) void this.#details(first);
  }

  /** Loads the selected run's details where the page says from where: `data-details="/…/runs/RUN"` on #run-details. */
  async #details(run: string): Promise<void> {
    const rail = document.getElementById("run-details");
    const address = rail?.dataset["details"];
    if (!rail || !address) return;
    const answer = await fetch(address.replace("RUN", encodeURIComponent(run)), {
      headers: { "HX-Request": "true" },
    });
    const fresh = answer.ok ? parse(await answer.text())[0] : undefined;
    if (fresh) morph(rail, fresh);
  }

  #keys(): void {
    document.addEventListener("keydown", (event) => {
      if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (document.documentElement.dataset["keys"] === "off" || one("dialog[open]")) return;
      if (event.key === "l") one("log-view .log")?.focus();
      else if (event.key === "f" && this.#logs) this.#logs.follow = !this.#logs.follow;
      else if (event.key === "e") this.#logs?.nextError();
      else if (event.key === "o") one("#outputs")?.scrollIntoView();
      else if (event.key === ".") one("[data-key='.']")?.click();
      else if (event.key === "r") one("[data-key='r']")?.click();
    });
  }

  /** `<span data-elapsed="ISO">` counts from timestamps, so a throttled tab is right at once. */
  #clocks(): void {
    const tick = () => {
      for (const clock of all("[data-elapsed]")) {
        const from = Date.parse(clock.dataset["elapsed"]!);
        const to = clock.dataset["until"] ? Date.parse(clock.dataset["until"]) : Date.now() + this.#skew;
        const text = duration(Math.max(0, to - from));
        if (clock.textContent !== text) clock.textContent = text;
      }
    };
    tick();
    setInterval(() => document.hidden || this.#final || tick(), 1000);
    document.addEventListener("run-ended", tick);
  }
}

const root = one("[data-live],[data-changes]");
if (root) new RunPage(root);
