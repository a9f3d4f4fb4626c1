/** What a member proposes, from the form's texts to the call: which fields are wrong is told. */

import { type Hex, isAddress } from "viem";
import { admit, type Call, reinstate, reject, setPack, setValue, suspend } from "../chain/call.ts";
import { dayNumberOf, scaled } from "../units/entry.ts";
import { RULE } from "./meaning.ts";

export const PROPOSABLE = ["fee", "loss", "tariff", "groups", "admit", "reject", "suspend", "reinstate"] as const;

export type ProposalKind = (typeof PROPOSABLE)[number];

export interface ProposeForm {
  readonly kind: ProposalKind;
  readonly value: string;
  readonly fromDay: string;
  readonly pack: string;
  readonly account: string;
  readonly reason: string;
}

export type ProposeField = "value" | "fromDay" | "pack" | "account" | "reason";

const FULL_BP = 10_000n;
const FULL_PPM = 1_000_000n;

/** The call that the charter would make, or what is wrong; `reasonHash` is the reason's own. */
export function callOf(form: ProposeForm, reasonHash: Hex): { readonly call: Call } | { readonly wrong: readonly ProposeField[] } {
  const wrong = wrongIn(form);
  return wrong.length > 0 ? { wrong } : { call: soundCall(form, reasonHash) };
}

function wrongIn(form: ProposeForm): readonly ProposeField[] {
  const ruled = ["fee", "loss", "tariff", "groups"].includes(form.kind);
  const bad: ProposeField[] = form.reason.trim() === "" ? ["reason"] : [];
  if (ruled && dayNumberOf(form.fromDay) === null) bad.push("fromDay");
  if ((form.kind === "fee" || form.kind === "loss") && valueOf(form) === null) bad.push("value");
  if ((form.kind === "tariff" || form.kind === "groups") && !/^0x[0-9a-fA-F]{64}$/.test(form.pack.trim())) bad.push("pack");
  if (!ruled && !isAddress(form.account.trim(), { strict: false })) bad.push("account");
  return bad;
}

/** Per cent as the contract's unit, null when out of range. */
function valueOf({ kind, value }: ProposeForm): bigint | null {
  const read = scaled(value, kind === "fee" ? 2 : 4);
  return read === null || read < 0n || read > (kind === "fee" ? FULL_BP : FULL_PPM) ? null : read;
}

function soundCall(form: ProposeForm, reasonHash: Hex): Call {
  const account = form.account.trim() as Hex;
  const day = dayNumberOf(form.fromDay) ?? 0;
  switch (form.kind) {
    case "fee":
    case "loss":
      return setValue(RULE[form.kind], day, valueOf(form) ?? 0n);
    case "tariff":
    case "groups":
      return setPack(RULE[form.kind], day, form.pack.trim() as Hex);
    case "admit":
      return admit(account);
    case "reject":
      return reject(account, reasonHash);
    case "suspend":
      return suspend(account);
    case "reinstate":
      return reinstate(account);
  }
}
