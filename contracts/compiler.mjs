// The one compiler (npm `solc`) and its settings (protocol 7): the same bytes from the same sources on every machine.
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);

export const HERE = dirname(fileURLToPath(import.meta.url));

/** Settings of every build; forge reads the same ones from foundry.toml. */
export const SETTINGS = {
  evmVersion: "cancun",
  optimizer: { enabled: true, runs: 10_000 },
  viaIR: false,
  metadata: { bytecodeHash: "ipfs", appendCBOR: true, useLiteralContent: false },
};

/** Contracts that are made for size and not for gas, because 24,576 bytes of code are all that a chain takes. */
export const RUNS = { "src/CapacityLease.sol": 200 };

const OUTPUT = ["abi", "metadata", "evm.bytecode.object", "evm.deployedBytecode.object", "evm.deployedBytecode.immutableReferences"];

/** The compiler, loaded only when it is needed: it takes a second. */
export function loadCompiler() {
  // The package's module installs a handler that would turn any later rejection into an abort; keep the process's own.
  const before = process.listeners("unhandledRejection");
  const solc = require("solc");
  process.removeAllListeners("unhandledRejection");
  before.forEach((listener) => process.on("unhandledRejection", listener));
  return solc;
}

/** Our sources as {"src/….sol": {content}}, in a fixed order, named without any path of the machine. */
export function ourSources() {
  const names = readdirSync(join(HERE, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".sol"))
    .map((name) => relative(HERE, join(HERE, "src", name)).split(sep).join("/"))
    .sort();
  return Object.fromEntries(names.map((name) => [name, { content: readFileSync(join(HERE, name), "utf8") }]));
}

/** Standard JSON output of our contracts. Throws with the compiler's own words on any error or warning. */
export function compileAll() {
  const sources = ourSources();
  const deployed = Object.keys(sources).filter((name) => /^src\/[^/]+\.sol$/.test(name));
  const { runs } = SETTINGS.optimizer;
  const solc = loadCompiler();
  const contracts = {};
  for (const count of new Set([runs, ...Object.values(RUNS)])) {
    const names = deployed.filter((name) => (RUNS[name] ?? runs) === count);
    Object.assign(contracts, compile(solc, sources, count, names));
  }
  return { version: solc.version(), contracts };
}

/** The named contracts, optimised for a number of runs. */
function compile(solc, sources, runs, names) {
  const settings = {
    ...SETTINGS,
    optimizer: { ...SETTINGS.optimizer, runs },
    outputSelection: Object.fromEntries(names.map((name) => [name, { "*": OUTPUT }])),
  };
  const input = { language: "Solidity", sources, settings };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: readImport }));
  const complaints = (output.errors ?? []).filter(isOurs);
  if (complaints.length > 0) throw new Error(complaints.map((entry) => entry.formattedMessage).join("\n"));
  return Object.fromEntries(names.map((name) => [name, output.contracts[name]]));
}

/** Every error, and every warning about a source of ours; warnings about installed libraries are theirs. */
function isOurs(entry) {
  return entry.severity === "error" || (entry.severity === "warning" && entry.sourceLocation?.file.startsWith("src/") !== false);
}

/** An import that the input does not hold: "@openzeppelin/…", or forge's name for it, "../node_modules/@openzeppelin/…". */
export function readImport(name) {
  try {
    return { contents: readFileSync(require.resolve(name.replace(/^\.\.\/node_modules\//, "")), "utf8") };
  } catch {
    return { error: `${name} is not installed: run npm ci` };
  }
}
