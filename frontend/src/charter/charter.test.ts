/** What a proposal means is read out of its call; the rulebook's newest decision stands; a digest is what was applied with. */

import { expect, it } from "vitest";
import { admit, reject, setPack, setValue } from "../chain/call.ts";
import { commitmentTo, textHash } from "./commitment.ts";
import { meaningOf, RULE } from "./meaning.ts";
import { callOf, type ProposeForm } from "./proposeForm.ts";
import { type Ruling, standingOf } from "./rulings.ts";

const WHO = "0x1111111111111111111111111111111111111111";
const HASH = `0x${"ab".repeat(32)}` as const;

it("reads values, packs and members out of the call data", () => {
  expect(meaningOf("Charter", setValue(RULE.fee, 20_665, 350n).data)).toEqual({ kind: "fee", value: 350, day: "2026-07-31" });
  expect(meaningOf("Charter", setPack(RULE.groups, 20_665, HASH).data)).toEqual({ kind: "groups", hash: HASH, day: "2026-07-31" });
  expect(meaningOf("AllianceRegistry", admit(WHO).data)).toEqual({ kind: "admit", account: WHO });
  expect(meaningOf("AllianceRegistry", reject(WHO, HASH).data)).toEqual({ kind: "reject", account: WHO });
});

it("says that it does not know what it does not know", () => {
  const unknown = { kind: "unknown" };
  expect(meaningOf(null, admit(WHO).data)).toEqual(unknown);
  expect(meaningOf("Charter", admit(WHO).data)).toEqual(unknown);
  expect(meaningOf("Charter", setValue(HASH, 1, 1n).data)).toEqual(unknown);
  expect(meaningOf("AllianceRegistry", "0x")).toEqual(unknown);
});

const form: ProposeForm = { kind: "fee", value: "3.5", fromDay: "2026-07-31", pack: "", account: "", reason: "why" };

it("makes the call that was meant, or says what is wrong", () => {
  expect(callOf(form, HASH)).toEqual({ call: setValue(RULE.fee, 20_665, 350n) });
  expect(callOf({ ...form, kind: "loss", value: "1.25" }, HASH)).toEqual({ call: setValue(RULE.loss, 20_665, 12_500n) });
  expect(callOf({ ...form, kind: "reject", account: WHO }, HASH)).toEqual({ call: reject(WHO, HASH) });
  expect(callOf({ ...form, value: "100.01", fromDay: "", reason: " " }, HASH)).toEqual({ wrong: ["reason", "fromDay", "value"] });
  expect(callOf({ ...form, kind: "tariff", pack: "0x12" }, HASH)).toEqual({ wrong: ["pack"] });
  expect(callOf({ ...form, kind: "suspend", account: "0x12" }, HASH)).toEqual({ wrong: ["account"] });
});

it("lets the newest decision stand from its day on", () => {
  const ruling = (fromDay: string, value: string): Ruling => ({ kind: "value", name: "fee_bp", fromDay, value, block: 1 });
  const rulings = [ruling("2026-07-10", "500"), ruling("2026-08-01", "300"), ruling("2026-07-20", "400")];
  const found = standingOf(rulings, "fee_bp", "2026-07-15");
  expect([found.now?.value, found.next?.value]).toEqual(["500", "400"]);
  expect(standingOf(rulings, "fee_bp", "2026-08-02").now?.value).toBe("400");
  expect(standingOf(rulings, "loss_ppm", "2026-08-02")).toEqual({ name: "loss_ppm", now: null, next: null });
});

it("hashes papers with their salt, whatever spaces the code is written with", async () => {
  const papers = { salt: HASH, licence: HASH, code: " 9132 0700ma1xxxxx2q " };
  const made = await commitmentTo(papers);
  expect(made).toBe(await commitmentTo({ ...papers, code: "91320700MA1XXXXX2Q" }));
  expect(made).not.toBe(await commitmentTo({ ...papers, salt: `0x${"ac".repeat(32)}` }));
  expect(await textHash("abc")).toBe("0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});
