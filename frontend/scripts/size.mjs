// Fails the build when the shell (what index.html loads before any view) exceeds 200 kB gzipped; with a file's name: when that file of dist exceeds 700 kB.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT_BYTES = 200_000;
const FILE_LIMIT_BYTES = 700_000;
const dist = new URL("../dist/", import.meta.url);
const [, , name] = process.argv;
if (name !== undefined) {
  const size = readFileSync(new URL(name, dist)).length;
  console.log(`${name} ${(size / 1000).toFixed(1)} kB, limit ${FILE_LIMIT_BYTES / 1000} kB`);
  process.exit(size > FILE_LIMIT_BYTES ? 1 : 0);
}
const page = readFileSync(new URL("index.html", dist), "utf-8");
const files = [...page.matchAll(/(?:src|href)="\/(assets\/[^"]+\.(?:js|css))"/g)].map((found) => found[1]);
const bytes = files.reduce((sum, file) => sum + gzipSync(readFileSync(new URL(file, dist))).length, 0);
console.log(`shell ${(bytes / 1000).toFixed(1)} kB gzipped in ${files.length} files, limit ${LIMIT_BYTES / 1000} kB`);
if (bytes > LIMIT_BYTES) process.exit(1);
