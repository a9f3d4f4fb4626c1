/** Habits of this code that the compiler does not hold: no `any`, no default exports, no barrel files, no untold text. */

import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { en } from "./text/en.ts";
import { zh } from "./text/zh.ts";

const sources = ["./", "../verifier/src/"].flatMap((folder) => {
  const root = new URL(folder, import.meta.url);
  return readdirSync(root, { recursive: true, encoding: "utf-8" })
    .filter((name) => /\.tsx?$/.test(name) && name !== "api/schema.ts" && name !== "habits.test.ts")
    .map((name) => ({ name, text: readFileSync(new URL(name, root), "utf-8") }));
});

it.each(sources)("$name says its rule first and keeps the habits", ({ text }) => {
  expect(text).toMatch(/^\/\*\*[ \n]/);
  expect(text).not.toMatch(/export default|:\s*any\b|<any>|as any\b|export \* from/);
});

it.each(sources.filter(({ name }) => name.endsWith(".tsx")))("$name leaves Chinese to the catalogue", ({ text }) => {
  expect(text).not.toMatch(/[\u4e00-\u9fff]/);
});

it("has the same inner keys in both catalogues", () => {
  expect(keysOf(en)).toEqual(keysOf(zh));
});

function keysOf(value: unknown, path = ""): readonly string[] {
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value).flatMap(([key, inner]) => keysOf(inner, `${path}.${key}`)).toSorted();
}
