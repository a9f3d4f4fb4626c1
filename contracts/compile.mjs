#!/usr/bin/env node
// Compile the contracts into checked-in artifacts (protocol 7). `--out DIR` writes elsewhere; `--check` writes nothing and
// exits 1 when an artifact is stale.
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { compileAll, HERE } from "./compiler.mjs";

const LIMIT_BYTES = 24_576; // EIP-170

/** Artifacts as {"<Name>.json": text} of every contract that is deployed; interfaces, libraries and types have none. */
function artifacts() {
  const { version, contracts } = compileAll();
  const files = {};
  for (const [source, units] of Object.entries(contracts)) {
    if (!/^src\/[^/]+\.sol$/.test(source)) continue;
    const name = basename(source, ".sol");
    files[`${name}.json`] = artifactText(name, version, units[name]);
  }
  return files;
}

function artifactText(contractName, compiler, unit) {
  const deployed = unit.evm.deployedBytecode;
  const size = deployed.object.length / 2;
  if (size > LIMIT_BYTES) throw new Error(`${contractName}: ${size} bytes of code, ${LIMIT_BYTES} are allowed`);
  const artifact = {
    contractName,
    abi: unit.abi,
    bytecode: `0x${unit.evm.bytecode.object}`,
    deployedBytecode: `0x${deployed.object}`,
    immutableReferences: deployed.immutableReferences ?? {},
    metadata: unit.metadata,
    compiler,
  };
  return `${JSON.stringify(artifact, null, 1)}\n`;
}

function write(folder, files) {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) if (name.endsWith(".json") && !(name in files)) rmSync(join(folder, name));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
}

function stale(folder, files) {
  const there = new Set(readdirSync(folder).filter((name) => name.endsWith(".json")));
  const differing = Object.keys(files).filter((name) => !there.has(name) || readFileSync(join(folder, name), "utf8") !== files[name]);
  return [...differing, ...[...there].filter((name) => !(name in files))].sort();
}

function main(args) {
  const folder = args.includes("--out") ? args[args.indexOf("--out") + 1] : join(HERE, "artifacts");
  const files = artifacts();
  if (!args.includes("--check")) return write(folder, files);
  const names = stale(folder, files);
  for (const name of names) console.error(`stale artifact: ${name}`);
  process.exitCode = names.length > 0 ? 1 : 0;
}

try {
  main(process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
