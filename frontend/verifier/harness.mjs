// The second verifier for Node: bundles verifier/src/node.ts, then reads cases as lines of JSON and prints a verdict line each.
// Usage: node frontend/verifier/harness.mjs < cases.jsonl   (a case: {id, rpc, archive, deployment, day, key?, depth?, folder?, changed?, blocks?, grants?})
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "vite";

const folder = mkdtempSync(join(tmpdir(), "verifier-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const built = await build({
  configFile: false,
  logLevel: "error",
  root: fileURLToPath(new URL(".", import.meta.url)),
  ssr: { noExternal: true },
  build: { ssr: "src/node.ts", write: false, target: "node20", minify: false },
});
const bundle = join(folder, "verifier.mjs");
writeFileSync(bundle, built.output[0].code);
const { serveLines } = await import(pathToFileURL(bundle).href);
await serveLines();
