/** The second implementation behind a pipe: questions in CBOR after their length (u32), one line of JSON for each answer. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "vite";

const frontend = new URL("../../frontend/", import.meta.url);
const entry = "\0second";
const source = (name) => JSON.stringify(fileURLToPath(new URL(`verifier/src/${name}`, frontend)));

/** The rules and the decoder as one module, as the page would carry them. */
async function bundled() {
  const virtual = {
    name: "second",
    resolveId: (id) => (id === "second" ? entry : null),
    load: (id) =>
      id === entry
        ? `export { answer } from ${source("settlement/question.ts")};\nexport { decode } from ${source("cbor.ts")};`
        : null,
  };
  const result = await build({
    root: fileURLToPath(frontend),
    configFile: false,
    logLevel: "error",
    plugins: [virtual],
    ssr: { noExternal: true },
    build: { ssr: true, write: false, target: "node20", rollupOptions: { input: "second" } },
  });
  const folder = await mkdtemp(join(tmpdir(), "second-"));
  const file = join(folder, "second.mjs");
  try {
    await writeFile(file, result.output[0].code);
    return await import(pathToFileURL(file).href);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const { answer, decode } = await bundled();

/** The answer as JSON; what is no rule's refusal is a fault of the rules, and as such unlike any answer. */
function answered(raw) {
  try {
    return JSON.stringify(answer(decode(raw)));
  } catch (error) {
    return JSON.stringify({ fault: `${error.stack}` });
  }
}

process.stdout.write("ready\n");

let held = Buffer.alloc(0);
for await (const piece of process.stdin) {
  held = Buffer.concat([held, piece]);
  while (held.length >= 4 && held.length >= 4 + held.readUInt32BE(0)) {
    const end = 4 + held.readUInt32BE(0);
    process.stdout.write(`${answered(new Uint8Array(held.subarray(4, end)))}\n`);
    held = held.subarray(end);
  }
}
