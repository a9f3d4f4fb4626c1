// Writes src/api/schema.ts anew from the service's OpenAPI document. Run after the service's routes changed.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";

const root = fileURLToPath(new URL("../..", import.meta.url));
const program = process.env.ALLIANCE_SERVICE_PROGRAM ?? `${root}/.venv/bin/alliance-service`;
const said = execFileSync(program, ["openapi"], { cwd: root, encoding: "utf-8", maxBuffer: 1 << 26, stdio: ["ignore", "pipe", "ignore"] });
const head = "/** Made by `npm run schema` from the service's OpenAPI document; do not edit. */\n\n";
const target = new URL("../src/api/schema.ts", import.meta.url);
writeFileSync(target, head + astToString(await openapiTS(JSON.parse(said), { alphabetize: true })));
