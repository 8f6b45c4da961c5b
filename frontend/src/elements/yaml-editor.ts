/**
 * <yaml-editor>: CodeMirror 6 with YAML, completion and hover from a JSON Schema, diagnostics from outside.
 *
 * Wraps a `<textarea>` (its text, name, readonly and aria-label are taken over): without script the textarea is the
 * editor, with it the textarea is kept up to date, so a plain form posts the text. Out: "change", "cursor".
 */
import {
  EditorView,
  keymap,
  lineNumbers,
  highlightActiveLine,
  highlightActiveLineGutter,
  drawSelection,
  hoverTooltip,
} from "@codemirror/view";
import { EditorState } from "@codemirror/state";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import {
  autocompletion,
  completionKeymap,
  startCompletion,
  type Completion,
  type CompletionContext,
} from "@codemirror/autocomplete";
import { lintGutter, setDiagnostics } from "@codemirror/lint";
import { searchKeymap, highlightSelectionMatches, search } from "@codemirror/search";
import {
  foldGutter,
  foldKeymap,
  indentOnInput,
  bracketMatching,
  indentUnit,
  indentService,
  syntaxHighlighting,
  HighlightStyle,
  type IndentContext,
} from "@codemirror/language";
import { tags as t } from "@lezer/highlight";
import { h } from "../lib/dom";
import type { Diagnostic } from "../lib/flow-model";
import { SchemaIndex, type Schema } from "../lib/schema";
import { t as say } from "../lib/texts";
import { contextAt } from "../lib/yaml-context";

const theme = EditorView.theme({
  "&": { backgroundColor: "var(--surface)", color: "var(--text)", height: "100%", fontSize: ".8125rem" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--font-mono)", lineHeight: "1.65" },
  ".cm-content": { caretColor: "var(--accent)", paddingBlock: "10px" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--text-3)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": {
    backgroundColor: "color-mix(in oklab, var(--surface-3) 60%, transparent)",
  },
  ".cm-cursor": { borderLeftColor: "var(--accent)", borderLeftWidth: "2px" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "color-mix(in oklab, var(--accent) 24%, transparent)",
  },
  ".cm-tooltip": {
    border: "1px solid var(--line-strong)",
    borderRadius: "8px",
    backgroundColor: "var(--surface)",
    color: "var(--text)",
    boxShadow: "var(--shadow-md)",
    fontSize: "13px",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": {
    borderRadius: "8px",
    fontFamily: "var(--font-mono)",
    maxHeight: "15em",
  },
  ".cm-tooltip-autocomplete > ul > li": { padding: "4px 10px !important" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": {
    backgroundColor: "var(--accent-soft)",
    color: "var(--text)",
  },
  ".cm-completionDetail": { color: "var(--text-3)", fontStyle: "normal", marginLeft: "10px" },
  ".cm-completionMatchedText": { textDecoration: "none", color: "var(--accent)", fontWeight: "600" },
  ".cm-completionInfo": {
    padding: "8px 12px",
    maxWidth: "340px",
    fontFamily: "var(--font-sans)",
    color: "var(--text-2)",
  },
  ".cm-completionIcon": { display: "none" },
  "*": { boxSizing: "border-box" },
  ".yaml-hover p": { margin: "4px 0 0" },
  ".yaml-hover": {
    padding: "8px 12px",
    maxWidth: "380px",
    "& code": { color: "var(--accent)" },
    "& p": { color: "var(--text-2)", marginTop: "4px" },
  },
  ".cm-diagnostic": { fontFamily: "var(--font-sans)", padding: "6px 10px" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--failed-solid)" },
  ".cm-panels": { backgroundColor: "var(--surface-2)", color: "var(--text)" },
  ".cm-foldGutter span": { color: "var(--text-3)" },
});
const colours = HighlightStyle.define([
  {
    tag: [t.definition(t.propertyName), t.propertyName],
    color: "light-dark(#4338ca, #a5a0ff)",
    fontWeight: "520",
  },
  { tag: t.string, color: "light-dark(#0f7a43, #6fd39c)" },
  { tag: [t.number, t.bool, t.null, t.keyword], color: "light-dark(#a3470a, #f5b06b)" },
  { tag: t.comment, color: "var(--text-3)", fontStyle: "italic" },
  { tag: [t.separator, t.punctuation, t.squareBracket, t.brace], color: "var(--text-3)" },
  { tag: t.meta, color: "light-dark(#a3470a, #f5b06b)" },
  { tag: t.content, color: "light-dark(#1f5c3d, #a9dcc0)" },
]);

/** Enter keeps the column of the key; after "key:" it goes one step in; after "- key: value" it goes under the key. */
function yamlIndent(cx: IndentContext, pos: number): number | null {
  let line = cx.state.doc.lineAt(pos);
  const text =
    cx.simulatedBreak === pos
      ? line.text.slice(0, pos - line.from)
      : line.number > 1
        ? (line = cx.state.doc.line(line.number - 1)).text
        : "";
  const head = /^\s*(- +)*/.exec(text)![0].length;
  return /:\s*([|>][+-]?)?\s*$/.test(text) ? head + 2 : head;
}

export class YamlEditor extends HTMLElement {
  view!: EditorView;
  #area: HTMLTextAreaElement | null = null;
  #ix = new SchemaIndex({});
  set schema(s: Schema) {
    this.#ix = new SchemaIndex(s);
  }
  get value() {
    return this.view.state.doc.toString();
  }

  connectedCallback(): void {
    if (this.view) return;
    const area = (this.#area = this.querySelector("textarea"));
    // A shadow root lets CodeMirror use constructed style sheets: no <style> tags, so no CSP nonce.
    const root = this.attachShadow({ mode: "open", delegatesFocus: true });
    const label = area?.getAttribute("aria-label") ?? "YAML";
    const fixed = area?.readOnly ?? false;
    this.view = new EditorView({
      root,
      parent: root,
      state: EditorState.create({
        doc: area?.value ?? "",
        extensions: [
          lineNumbers(),
          foldGutter(),
          lintGutter(),
          history(),
          drawSelection(),
          highlightActiveLine(),
          highlightActiveLineGutter(),
          indentOnInput(),
          bracketMatching(),
          highlightSelectionMatches(),
          search({ top: true }),
          indentUnit.of("  "),
          indentService.of(yamlIndent),
          yaml(),
          theme,
          syntaxHighlighting(colours),
          autocompletion({ override: [this.#complete], icons: false }),
          hoverTooltip(this.#hover),
          keymap.of([
            indentWithTab,
            ...completionKeymap,
            ...searchKeymap,
            ...foldKeymap,
            ...historyKeymap,
            ...defaultKeymap,
          ]),
          EditorState.readOnly.of(fixed),
          EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
          EditorView.updateListener.of((u) => {
            if (u.docChanged) {
              if (this.#area) this.#area.value = this.value;
              this.dispatchEvent(new Event("change"));
            }
            if (u.selectionSet) this.dispatchEvent(new Event("cursor"));
          }),
        ],
      }),
    });
  }
  set diagnostics(list: Diagnostic[]) {
    const len = this.view.state.doc.length;
    this.view.dispatch(
      setDiagnostics(
        this.view.state,
        list.map((d) => ({
          from: Math.min(d.from, len),
          to: Math.min(d.to, len),
          severity: d.level,
          message: d.message,
        })),
      ),
    );
  }
  /** Replaces the text with the smallest change, so that cursor, folds and undo survive form edits. */
  replace(next: string) {
    const old = this.value;
    let a = 0,
      b = 0;
    while (a < old.length && old[a] === next[a]) a++;
    while (b < old.length - a && b < next.length - a && old[old.length - 1 - b] === next[next.length - 1 - b])
      b++;
    if (a < old.length || a < next.length)
      this.view.dispatch({
        changes: { from: a, to: old.length - b, insert: next.slice(a, next.length - b) },
      });
  }
  goto(from: number, focus = true) {
    this.view.dispatch({
      selection: { anchor: from },
      effects: EditorView.scrollIntoView(from, { y: "center" }),
    });
    if (focus) this.view.focus();
  }

  #complete = (c: CompletionContext) => {
    const text = c.state.doc.toString(),
      ctx = contextAt(text, c.pos),
      ix = this.#ix,
      word = c.matchBefore(/[\w.$-]*/)!;
    if (!c.explicit && !word.text && ctx.typing === "key") return null;
    const parent = ix.at(ctx.path, ctx.typeAt),
      map = ix.branch(parent, ctx.typeAt(ctx.path));
    let options: Completion[] = [];
    if (ctx.typing === "value") {
      const sub = ix.deref(map?.properties?.[ctx.key ?? ""]);
      const values =
        ctx.key === "type" && parent?.oneOf
          ? ix
              .types(parent)
              .map((b) => ({ v: b.properties?.["type"]?.const, info: b.description, detail: b.title }))
          : (
              sub?.enum ??
              (sub?.type === "boolean" ? [true, false] : sub?.const !== undefined ? [sub.const] : [])
            ).map((v) => ({ v, info: undefined, detail: undefined }));
      options = values.map(({ v, info, detail }) => ({
        label: String(v),
        ...(detail ? { detail } : {}),
        ...(info ? { info } : {}),
        type: "enum",
      }));
    } else {
      const props =
        map?.properties ??
        (parent?.oneOf
          ? ({
              id: { description: say("Name of the task, unique in the flow.") },
              type: { description: say("What the task does.") },
            } as Record<string, Schema>)
          : {});
      options = Object.entries(props)
        .filter(([k]) => !ctx.siblings.includes(k))
        .map(([k, p]) => {
          const d = ix.deref(p)!,
            req = map?.required?.includes(k),
            kind =
              d.type === "array"
                ? "list"
                : d.type === "object"
                  ? "map"
                  : d.enum
                    ? "choice"
                    : String([d.type ?? ""].flat()[0] ?? "");
          const pad = " ".repeat(c.pos - c.state.doc.lineAt(c.pos).from - word.text.length + 2);
          const body =
            d.type === "array" ? `${k}:\n${pad}- ` : d.type === "object" ? `${k}:\n${pad}` : `${k}: `;
          return {
            label: k,
            type: "property",
            detail: req ? `${kind} · ${say("required")}` : kind,
            ...(d.description ? { info: d.description } : {}),
            boost: req ? 20 : 0,
            apply: (v: EditorView, _c: Completion, from: number, to: number) => {
              v.dispatch({ changes: { from, to, insert: body }, selection: { anchor: from + body.length } });
              if (d.enum || k === "type" || d.type === "boolean") setTimeout(() => startCompletion(v));
            },
          };
        });
    }
    // A word that is already a whole option needs no popup: Enter must then break the line.
    const whole = (w: string) => options.some((o) => o.label === w);
    return options.length && (c.explicit || !whole(word.text))
      ? { from: word.from, options, validFor: (w: string) => /^[\w.$-]*$/.test(w) && !whole(w) }
      : null;
  };
  #hover = (view: EditorView, pos: number) => {
    const line = view.state.doc.lineAt(pos),
      m = /^(\s*(?:- +)*)([\w.$-]+)(\s*:\s*)(\S*)/.exec(line.text);
    if (!m) return null;
    const from = line.from + m[1]!.length,
      to = from + m[2]!.length,
      vFrom = to + m[3]!.length,
      vTo = vFrom + m[4]!.length;
    const onKey = pos >= from && pos <= to;
    if (!onKey && !(m[2] === "type" && pos >= vFrom && pos <= vTo)) return null;
    const ctx = contextAt(view.state.doc.toString(), to),
      parent = this.#ix.at(ctx.path, ctx.typeAt),
      map = this.#ix.branch(parent, ctx.typeAt(ctx.path)),
      d = onKey ? this.#ix.deref(map?.properties?.[m[2]!]) : map;
    if (!d) return null;
    return {
      pos: onKey ? from : vFrom,
      end: onKey ? to : vTo,
      above: true,
      create: () => ({
        dom: h(
          "div",
          { class: "yaml-hover" },
          h("strong", {}, onKey ? m[2]! : (d.title ?? "")),
          onKey
            ? h(
                "code",
                {},
                ` ${[d.type ?? ""].flat().join(" | ")}${map?.required?.includes(m[2]!) ? ` · ${say("required")}` : ""}`,
              )
            : null,
          h("p", {}, d.description ?? ""),
          d.default !== undefined
            ? h("p", {}, say("Default: {value}", { value: JSON.stringify(d.default) }))
            : null,
        ),
      }),
    };
  };
}
customElements.define("yaml-editor", YamlEditor);
