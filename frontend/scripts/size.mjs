// Fails the build when the shell (what index.html loads before any view) exceeds 200 kB gzipped.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT_BYTES = 200_000;
const dist = new URL("../dist/", import.meta.url);
const page = readFileSync(new URL("index.html", dist), "utf-8");
const files = [...page.matchAll(/(?:src|href)="\/(assets\/[^"]+\.(?:js|css))"/g)].map((found) => found[1]);
const bytes = files.reduce((sum, file) => sum + gzipSync(readFileSync(new URL(file, dist))).length, 0);
console.log(`shell ${(bytes / 1000).toFixed(1)} kB gzipped in ${files.length} files, limit ${LIMIT_BYTES / 1000} kB`);
if (bytes > LIMIT_BYTES) process.exit(1);
