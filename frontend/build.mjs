/**
 * Bundles src/ into static/dist with content hashes and writes manifest.json and the icon sprite.
 *
 *   node build.mjs                the product's build
 *   node build.mjs --check-size   builds, then fails when a bundle passes its budget (BUDGETS below)
 *   node build.mjs --watch        rebuilds on every change, with source maps
 *
 * manifest.json: {"run.ts": {"file": "run-XXXXXXXX.js", "preload": ["chunk-XXXXXXXX.js"]}, "app.css": …, "icons.svg": …}.
 * It is written last and old files go after it, so a server that reads it in between always finds what it names.
 */
import * as esbuild from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const outdir = join(here, "..", "static", "dist");
const watch = process.argv.includes("--watch");
const checkSize = process.argv.includes("--check-size");

const ENTRIES = ["app.ts", "run.ts", "form.ts", "editor.ts", "charts.ts", "app.css"];

/** KB gzipped; what `app.ts` already brought is not counted again for the others. */
const BUDGETS = {
  "every page": 40,
  "run.ts": 40,
  "form.ts": 15,
  "editor.ts": 200,
  "charts.ts": 75,
  "fonts (latin)": 90,
};

/** Every `#i-NAME` used in templates or TypeScript is listed in icons.json; the sprite holds only these. */
function sprite() {
  const names = JSON.parse(readFileSync(join(here, "src/icons.json"), "utf8"));
  const symbols = names.map((name) => {
    const svg = readFileSync(join(here, `node_modules/lucide-static/icons/${name}.svg`), "utf8");
    const body = svg
      .replace(/<!--[\s\S]*?-->/g, "")
      .match(/<svg[^>]*>([\s\S]*)<\/svg>/)[1]
      .replace(/\s+/g, " ")
      .trim();
    const stroke =
      'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"';
    return `<symbol id="i-${name}" viewBox="0 0 24 24" ${stroke}>${body}</symbol>`;
  });
  const text = `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>`;
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 8).toUpperCase();
  const file = watch ? "icons.svg" : `icons-${hash}.svg`;
  writeFileSync(join(outdir, file), text);
  return { file, names };
}

function writeManifest(metafile) {
  const icons = sprite();
  const entries = { "icons.svg": { file: icons.file, preload: [], names: icons.names } };
  const alive = new Set(["manifest.json", icons.file]);
  for (const [path, info] of Object.entries(metafile.outputs)) {
    alive.add(basename(path));
    if (!info.entryPoint || !ENTRIES.includes(basename(info.entryPoint))) continue;
    const preload = info.imports
      .filter((part) => part.kind === "import-statement")
      .map((part) => basename(part.path));
    entries[basename(info.entryPoint)] = {
      file: basename(path),
      preload,
      ...(info.cssBundle ? { css: basename(info.cssBundle) } : {}),
    };
  }
  writeFileSync(join(outdir, "manifest.json.new"), JSON.stringify(entries, null, 2));
  renameSync(join(outdir, "manifest.json.new"), join(outdir, "manifest.json"));
  for (const file of readdirSync(outdir))
    if (!alive.has(file)) rmSync(join(outdir, file), { recursive: true });
  return entries;
}

const manifestPlugin = {
  name: "manifest",
  setup(build) {
    build.onEnd(({ metafile, errors }) => {
      if (!errors.length) writeManifest(metafile);
    });
  },
};

const options = {
  absWorkingDir: here,
  entryPoints: ENTRIES.map((name) => `src/${name}`),
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  minify: !watch,
  sourcemap: watch ? "inline" : false,
  outdir,
  entryNames: watch ? "[name]" : "[name]-[hash]",
  chunkNames: "chunk-[hash]",
  assetNames: "[name]-[hash]",
  loader: { ".woff2": "file" },
  metafile: true,
  plugins: [manifestPlugin],
  logLevel: "warning",
  // htmx carries a direct `eval`; allowEval is false and the Content-Security-Policy refuses it as well.
  logOverride: { "direct-eval": "silent" },
  legalComments: "none",
};

const zipped = (file) => gzipSync(readFileSync(join(outdir, file)), { level: 9 }).length / 1024;

/** The entry's file and everything it imports at once (lazy chunks are not counted), without the files in `known`. */
function closure(metafile, entry, known = new Set()) {
  const start = Object.entries(metafile.outputs).find(([, info]) => info.entryPoint === `src/${entry}`);
  const found = new Set();
  const visit = (path) => {
    const file = basename(path);
    if (found.has(file) || known.has(file)) return;
    found.add(file);
    const css = metafile.outputs[path]?.cssBundle;
    if (css) found.add(basename(css));
    for (const part of metafile.outputs[path]?.imports ?? [])
      if (part.kind === "import-statement") visit(part.path);
  };
  visit(start[0]);
  return found;
}

function report(metafile) {
  const manifest = JSON.parse(readFileSync(join(outdir, "manifest.json"), "utf8"));
  const sum = (files) => [...files].reduce((total, file) => total + zipped(file), 0);
  const app = closure(metafile, "app.ts");
  const sizes = { "every page": sum([...app, manifest["app.css"].file, manifest["icons.svg"].file]) };
  for (const entry of ["run.ts", "form.ts", "editor.ts", "charts.ts"])
    sizes[entry] = sum(closure(metafile, entry, app));
  const latin = readdirSync(outdir).filter((file) => /-latin-wght-normal-.*\.woff2$/.test(file));
  // Fonts are compressed already, so their own size counts.
  sizes["fonts (latin)"] = latin.reduce(
    (total, file) => total + readFileSync(join(outdir, file)).length / 1024,
    0,
  );
  let over = false;
  for (const [name, size] of Object.entries(sizes)) {
    const late = size > BUDGETS[name];
    over ||= late;
    console.log(
      `${name.padEnd(16)} ${size.toFixed(1).padStart(7)} KB of ${String(BUDGETS[name]).padStart(3)} KB${late ? "  OVER BUDGET" : ""}`,
    );
  }
  if (over && checkSize) process.exitCode = 1;
}

mkdirSync(outdir, { recursive: true });
if (watch) {
  const context = await esbuild.context(options);
  await context.watch();
  console.log("watching frontend/src");
} else {
  const started = performance.now();
  const { metafile } = await esbuild.build(options);
  report(metafile);
  console.log(`built in ${Math.round(performance.now() - started)} ms`);
}
