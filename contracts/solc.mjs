#!/usr/bin/env node
// npm's compiler behind the command line that forge and slither expect: `--version` and `--standard-json`.
import { readFileSync, writeSync } from "node:fs";
import { loadCompiler, readImport } from "./compiler.mjs";

/** Write all of a text to standard output; a pipe takes it in pieces and may ask to wait. */
function print(text) {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

const args = process.argv.slice(2);
if (args.includes("--version")) {
  const version = loadCompiler().version().replace(".Emscripten.clang", ".Linux.g++");
  print(`solc, the solidity compiler commandline interface\nVersion: ${version}\n`);
} else if (args.includes("--standard-json")) {
  print(loadCompiler().compile(readFileSync(0, "utf8"), { import: readImport }));
} else {
  print("usage: solc.mjs --version | --standard-json\n");
  process.exitCode = 2;
}
