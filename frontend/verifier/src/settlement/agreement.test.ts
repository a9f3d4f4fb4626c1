/** The shared vectors: these rules answer as the first implementation does (invariant 8.10.13). */

import { readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";
import { expect, it } from "vitest";
import { decode } from "../cbor.ts";
import { isList } from "../fields.ts";
import { type Answer, answer } from "./question.ts";

interface Held {
  readonly questions: string;
  readonly answers: readonly Answer[];
}

const file = new URL("../../../../tests/vectors/agreement.json", import.meta.url);
const held = JSON.parse(readFileSync(file, "utf-8")) as Held;
const plain = decode(new Uint8Array(inflateSync(Buffer.from(held.questions, "base64"))));
const questions = isList(plain) ? plain : [];

it("holds an answer to each question, and enough of them", () => {
  expect(questions.length).toBe(held.answers.length);
  expect(questions.length).toBeGreaterThan(600);
});

it("answers every question as the first implementation does", { timeout: 300_000 }, () => {
  const differing = questions.flatMap((question, at) => {
    const got = JSON.parse(JSON.stringify(answer(question))) as Answer;
    return JSON.stringify(got) === JSON.stringify(held.answers[at]) ? [] : [{ at, got, held: held.answers[at] }];
  });
  expect(differing).toEqual([]);
});
