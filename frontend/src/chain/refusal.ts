/** Why a contract refused: its custom error's name and its numbers as text. Screens turn it into a sentence. */

import { BaseError, type ContractErrorName, decodeErrorResult, type Hex, hexToString, isHex } from "viem";
import { yuan } from "../units/money.ts";
import { energy, power, ppm, share } from "../units/quantity.ts";
import { absoluteSlot, dayOfNumber, moment } from "../units/time.ts";
import { errorAbi } from "./abi.ts";

export type ErrorName = ContractErrorName<typeof errorAbi>;
export type RefusalFacts = Readonly<Record<string, string>>;

/** A contract's refusal; `inner` is why a proposal's own call failed. */
export class ContractRefusal extends Error {
  readonly code: ErrorName;
  readonly facts: RefusalFacts;
  readonly inner: ContractRefusal | null;

  constructor(code: ErrorName, facts: RefusalFacts, inner: ContractRefusal | null = null) {
    super(`${code} ${JSON.stringify(facts)}`);
    this.name = "ContractRefusal";
    this.code = code;
    this.facts = facts;
    this.inner = inner;
  }
}

/** The refusal that revert data spell, null when they are none of these contracts' errors. */
export function refusalOf(data: Hex): ContractRefusal | null {
  let found;
  try {
    found = decodeErrorResult({ abi: errorAbi, data });
  } catch {
    return null;
  }
  const { abiItem, args = [], errorName } = found;
  const named = Object.fromEntries(abiItem.inputs.map(({ name }, at) => [name, (args as readonly unknown[])[at]]));
  const inner = errorName === "CharterCallFailed" ? refusalOf(named["result"] as Hex) : null;
  const plain = Object.entries(named).map(([name, value]) => [name, factText(errorName, name, value)] as const);
  return new ContractRefusal(errorName, Object.fromEntries(plain), inner);
}

/** The refusal in an error that a node's answer became, null when it carries no revert data. */
export function refusalIn(error: unknown): ContractRefusal | null {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const data = revertData((at as { readonly data?: unknown }).data);
    if (data !== null) return refusalOf(data);
  }
  return null;
}

/** What an error says in one line. */
export function shortly(error: unknown): string {
  if (error instanceof BaseError) return error.shortMessage;
  return error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
}

/** Nodes put revert data at `data`, or one level deeper. */
function revertData(value: unknown): Hex | null {
  if (typeof value === "string" && isHex(value) && value.length >= 10) return value;
  if (typeof value !== "object" || value === null) return null;
  return revertData((value as { readonly data?: unknown }).data);
}

const SLOT_NAMES = new Set(["slot", "firstSlot", "endSlot", "earliest", "latest", "offerFirst", "offerEnd", "currentSlot"]);
const TIME_NAMES = new Set(["until", "nextFrom", "time", "executableFrom"]);
const DAY_NAMES = new Set(["day", "fromDay", "today", "clearedTo", "lastDay"]);

/** A number by its name's unit; slots become local times, accounts are shortened. */
function factText(error: string, name: string, value: unknown): string {
  if (typeof value === "string") return name === "what" ? hexToString(value as Hex, { size: 32 }) : short(value);
  if (typeof value !== "bigint" && typeof value !== "number") return "";
  const number = Number(value);
  if (error === "LeaseEndOutside" && name === "asked") return absoluteSlot(number);
  if (error === "LeaseNoticeTooShort") return name === "leaseId" ? `${number}` : absoluteSlot(number);
  if (error === "OfferTermTooLong") return absoluteSlot(number);
  if (SLOT_NAMES.has(name)) return absoluteSlot(number);
  if (TIME_NAMES.has(name)) return moment(number * 1000);
  if (DAY_NAMES.has(name)) return dayOfNumber(number);
  return withUnit(name, number, value);
}

function withUnit(name: string, number: number, value: bigint | number): string {
  if (name.endsWith("Wh")) return energy(number, number % 1000 === 0 ? 0 : 3);
  if (name.endsWith("W")) return power(number, number % 1000 === 0 ? 0 : 3);
  if (name.endsWith("Bp")) return share(number, 2);
  if (name.endsWith("Ppm")) return ppm(number);
  if (name.endsWith("Cents") || name.startsWith("rentCents")) return yuan(BigInt(value));
  return `${value}`;
}

function short(hex: string): string {
  return hex.length > 14 ? `${hex.slice(0, 8)}…${hex.slice(-4)}` : hex;
}
