/** What a proposal would do, read out of its own call data: never out of the text that came with it. */

import { decodeFunctionData, type Hex, keccak256, toBytes } from "viem";
import { charterAbi, registryAbi } from "../chain/abi.ts";
import { dayOfNumber } from "../units/time.ts";

/** Names under which the rulebook keeps values and packs. */
export const RULE = {
  fee: keccak256(toBytes("fee_bp")),
  loss: keccak256(toBytes("loss_ppm")),
  tariff: keccak256(toBytes("tariff")),
  groups: keccak256(toBytes("groups")),
} as const;

export const STATION_TYPES = ["grid_side", "source_side", "user_side", "third_party"] as const;

export type Meaning =
  | { readonly kind: "fee" | "loss"; readonly value: number; readonly day: string }
  | { readonly kind: "tariff" | "groups"; readonly hash: Hex; readonly day: string }
  | { readonly kind: "mechanism"; readonly type: string; readonly day: string }
  | { readonly kind: "admit" | "reject" | "suspend" | "reinstate"; readonly account: Hex }
  | { readonly kind: "unknown" };

const UNKNOWN: Meaning = { kind: "unknown" };

/** What a call to a contract of the alliance means; anything that this page does not know is said to be unknown. */
export function meaningOf(contract: string | null, data: Hex): Meaning {
  try {
    if (contract === "Charter") return ofCharter(data);
    if (contract === "AllianceRegistry") return ofRegistry(data);
  } catch {
    return UNKNOWN;
  }
  return UNKNOWN;
}

function ofCharter(data: Hex): Meaning {
  const call = decodeFunctionData({ abi: charterAbi, data });
  if (call.functionName === "setValue") {
    const [name, day, value] = call.args;
    const kind = name === RULE.fee ? "fee" : name === RULE.loss ? "loss" : null;
    return kind === null ? UNKNOWN : { kind, value: Number(value), day: dayOfNumber(day) };
  }
  if (call.functionName === "setPack") {
    const [name, day, hash] = call.args;
    const kind = name === RULE.tariff ? "tariff" : name === RULE.groups ? "groups" : null;
    return kind === null ? UNKNOWN : { kind, hash, day: dayOfNumber(day) };
  }
  if (call.functionName === "setMechanism") {
    const [type, day] = call.args;
    return { kind: "mechanism", type: STATION_TYPES[type - 1] ?? `${type}`, day: dayOfNumber(day) };
  }
  return UNKNOWN;
}

function ofRegistry(data: Hex): Meaning {
  const call = decodeFunctionData({ abi: registryAbi, data });
  switch (call.functionName) {
    case "admit":
    case "reject":
    case "suspend":
    case "reinstate":
      return { kind: call.functionName, account: call.args[0] };
    default:
      return UNKNOWN;
  }
}
