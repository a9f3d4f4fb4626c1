/** Reading what a person gives: files, addresses, a day; what is wrong is named by field and value. */

import { toHex } from "../bytes.ts";
import type { Plain } from "../cbor.ts";
import { dayOf } from "../calendar.ts";
import { RuleError, Unread } from "../error.ts";
import { type Deployment, parseDeployment } from "../format/deployment.ts";
import { Opener, readerOf } from "../format/encryption.ts";
import { parseJson } from "../format/json.ts";
import { gatewaySource } from "../sources/gateway.ts";
import { blockNamed, carBlocks, grantNamed, type Held, heldSource } from "../sources/memory.ts";
import type { Source } from "../sources/source.ts";
import type { Hex } from "../values.ts";
import { type Said, text } from "./text.ts";

/** Where the archive is: a gateway, a folder's files, or CAR files. */
export type ArchiveKind = "gateway" | "folder" | "car";

/** Everything in the form. */
export interface Inputs {
  readonly mode: "day" | "receipt";
  readonly deployment: string;
  readonly rpc: string;
  readonly day: string;
  readonly archive: ArchiveKind;
  readonly gateway: string;
  readonly files: readonly File[];
  readonly key: string;
  readonly receipt: string;
  readonly depth: string;
}

/** An input that cannot be used; `field` is the form's, `why` what is wrong with it. */
export class WrongInput extends Error {
  constructor(readonly field: Said, readonly why: Said) {
    super(`${field.en}: ${why.en}`);
    this.name = "WrongInput";
  }
}

/** What a verification can start from. */
export interface Ready {
  readonly deployment: Deployment;
  readonly rpc: string;
  readonly depth: number;
}

export interface ReadyDay extends Ready {
  readonly day: number;
  readonly archive: Source;
  readonly opener: Opener | null;
}

export interface ReadyReceipt extends Ready {
  readonly receipt: Plain;
}

/** Read what both verifications need. Throws WrongInput. */
export function readyOf(inputs: Inputs): Ready {
  const deployment = named(text.deployment, () => parseDeployment(needed(text.deployment, inputs.deployment)));
  const depth = Number(inputs.depth);
  if (!/^\d{1,6}$/.test(inputs.depth.trim())) {
    throw new WrongInput(text.depth, { zh: `应为 0 或更大的整数，得到「${inputs.depth}」`, en: `must be a whole number from 0, got “${inputs.depth}”` });
  }
  return { deployment, rpc: addressOf(text.rpc, inputs.rpc), depth };
}

/** Read what a day needs. Throws WrongInput. */
export async function readyDay(inputs: Inputs): Promise<ReadyDay> {
  const ready = readyOf(inputs);
  const day = named(text.date, () => dayOf(needed(text.date, inputs.day)));
  const archive = await archiveOf(inputs);
  const opener = inputs.key.trim() ? named(text.key, () => new Opener(readerOf(inputs.key), archive.grant)) : null;
  return { ...ready, day, archive, opener };
}

/** Read what a receipt needs. Throws WrongInput. */
export function readyReceipt(inputs: Inputs): ReadyReceipt {
  const receipt = named(text.receiptFile, () => parseJson(needed(text.receiptFile, inputs.receipt), "receipt"));
  return { ...readyOf(inputs), receipt };
}

/** A short description of a deployment that can be read, null for another text. */
export function deploymentSummary(given: string): Said | null {
  try {
    const { chainId, contracts, startEpoch } = parseDeployment(given);
    const count = Object.keys(contracts).length;
    return {
      zh: `链 ${chainId}，${count} 个合约，日志自批次 ${startEpoch + 1} 起`,
      en: `chain ${chainId}, ${count} contracts, log from epoch ${startEpoch + 1}`,
    };
  } catch {
    return null;
  }
}

/** The hint at a node that a deployment file may carry. */
export function rpcHint(given: string): string | null {
  try {
    return parseDeployment(given).rpcUrl;
  } catch {
    return null;
  }
}

async function archiveOf({ archive, gateway, files }: Inputs): Promise<Source> {
  if (archive === "gateway") return gatewaySource(addressOf(text.gateway, gateway));
  const field = archive === "folder" ? text.folder : text.car;
  if (!files.length) throw new WrongInput(field, text.missing);
  const held = archive === "folder" ? folderOf(files) : await carsOf(files, field);
  if (!held.blocks.size) throw new WrongInput(field, text.noBlocks);
  return heldSource(held);
}

function folderOf(files: readonly File[]): Held {
  const blocks = new Map<Hex, () => Promise<Uint8Array>>();
  const grants = new Map<string, () => Promise<Uint8Array>>();
  for (const file of files) {
    const digest = blockNamed(file.name);
    const grant = grantNamed(file.webkitRelativePath || file.name);
    if (digest !== null) blocks.set(digest, () => bytesOf(file));
    if (grant !== null) grants.set(grant, () => bytesOf(file));
  }
  return { blocks, grants };
}

async function carsOf(files: readonly File[], field: Said): Promise<Held> {
  const blocks = new Map<Hex, () => Promise<Uint8Array>>();
  for (const file of files) {
    const car = await bytesOf(file);
    for (const [digest, block] of named(field, () => carBlocks(car))) blocks.set(digest, async () => block);
  }
  return { blocks, grants: new Map() };
}

async function bytesOf(file: File): Promise<Uint8Array> {
  return new Uint8Array(await file.arrayBuffer());
}

function addressOf(field: Said, given: string): string {
  const address = needed(field, given);
  if (/^https?:\/\/[^\s/]/.test(address)) return address;
  const { zh, en } = text.notAddress;
  throw new WrongInput(field, { zh: `${zh}，得到「${address}」`, en: `${en}, got “${address}”` });
}

function needed(field: Said, given: string): string {
  const trimmed = given.trim();
  if (!trimmed) throw new WrongInput(field, text.missing);
  return trimmed;
}

function named<T>(field: Said, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof RuleError) throw new WrongInput(field, told(error));
    if (error instanceof Unread) throw new WrongInput(field, { zh: error.why, en: error.why });
    throw error;
  }
}

/** A reading error as a sentence: the inner field, what was wanted, what was got. */
function told({ code, facts }: RuleError): Said {
  const fact = (name: string) => {
    const value = facts[name];
    return value instanceof Uint8Array ? toHex(value) : `${value ?? ""}`;
  };
  if (code === "bad_hex") {
    const [name, want, got] = [fact("field"), fact("want_bytes"), fact("value")];
    return { zh: `字段 ${name} 应为 0x 开头的 ${want} 字节十六进制，得到「${got}」`, en: `field ${name} must be ${want} bytes of 0x-hex, got “${got}”` };
  }
  if (code === "bad_day") return { zh: `应为 YYYY-MM-DD，得到「${fact("value")}」`, en: `must be YYYY-MM-DD, got “${fact("value")}”` };
  const place = [fact("where"), fact("field")].filter(Boolean).join(".");
  const [want, got] = [fact("want"), fact("got")];
  if (!want) return { zh: code, en: code };
  return {
    zh: `${place ? `字段 ${place} ` : ""}应为 ${want}，得到「${got}」`,
    en: `${place ? `field ${place} ` : ""}must be ${want}, got “${got}”`,
  };
}
