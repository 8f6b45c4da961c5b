/** Bundles tests/*.test.ts with esbuild and runs them with node's own test runner. */
import * as esbuild from "esbuild";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = mkdtempSync(join(tmpdir(), "portico-frontend-"));
const files = readdirSync(join(here, "tests")).filter((file) => file.endsWith(".test.ts"));
await esbuild.build({
  absWorkingDir: here,
  entryPoints: files.map((file) => `tests/${file}`),
  bundle: true,
  format: "esm",
  platform: "browser", // the same files of a package that the page gets
  external: ["node:*"],
  outdir: out,
  outExtension: { ".js": ".mjs" },
  logLevel: "warning",
});
const done = spawnSync(
  process.execPath,
  ["--test", ...files.map((file) => join(out, file.replace(/\.ts$/, ".mjs")))],
  {
    stdio: "inherit",
  },
);
rmSync(out, { recursive: true, force: true });
process.exitCode = done.status ?? 1;
