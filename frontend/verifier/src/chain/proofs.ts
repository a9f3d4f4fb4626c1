/** State proved to a block's header (protocol 11.4): RLP, headers and Merkle-Patricia tries (Ethereum's Yellow Paper, appendices B to D). */

import { bytesOf, concat, fromHex, keccak256, same, toHex, word } from "../bytes.ts";
import { type Fact, RuleError, Unread } from "../error.ts";
import type { Hex } from "../values.ts";
import type { Header } from "./rpc.ts";

const EMPTY = new Uint8Array();
const EMPTY_TRIE = toHex(keccak256(Uint8Array.of(0x80)));
const EMPTY_CODE = toHex(keccak256(EMPTY));

/** Fields of a header in their order; a number of bytes, any bytes (-1), or a quantity (null). */
const HEADER = [
  ["parentHash", 32], ["sha3Uncles", 32], ["miner", 20], ["stateRoot", 32], ["transactionsRoot", 32],
  ["receiptsRoot", 32], ["logsBloom", 256], ["difficulty", null], ["number", null], ["gasLimit", null],
  ["gasUsed", null], ["timestamp", null], ["extraData", -1], ["mixHash", 32], ["nonce", 8],
] as const;
/** What London, Shanghai, Cancun and Prague appended. */
const FORKS = [
  ["baseFeePerGas", null], ["withdrawalsRoot", 32], ["blobGasUsed", null], ["excessBlobGas", null],
  ["parentBeaconBlockRoot", 32], ["requestsHash", 32],
] as const;

type Item = Uint8Array | readonly Item[];

/** An account as a state root has it, its proof checked; a slot that holds nothing is 0. */
export interface ProvedAccount {
  readonly codeHash: Hex;
  readonly storage: ReadonlyMap<Hex, bigint>;
}

/** Refuse a header whose fields do not hash to its block's hash. Throws RuleError header_forged, or Unread. */
export function checkHeader(header: Header): void {
  const named = [...HEADER, ...FORKS.filter(([name]) => header.raw[name] !== undefined && header.raw[name] !== null)];
  const fields = named.map(([name, size]) => headerField(name, size, header.raw[name]));
  const got = toHex(keccak256(rlpList(fields)));
  if (got === header.hash) return;
  throw new RuleError("header_forged", { block_number: header.number, want_hash: header.hash, got_hash: got });
}

/** Where Solidity stores `mapping[key]` of a mapping declared at `position`. */
export function mappingSlot(position: number, key: Hex): Hex {
  return toHex(keccak256(word(bytesOf(key)), word(position)));
}

/** Where Solidity stores `mapping[outer][inner]` of a mapping declared at `position`. */
export function nestedSlot(position: number, outer: Hex, inner: Uint8Array): Hex {
  return toHex(keccak256(word(inner), bytesOf(mappingSlot(position, outer))));
}

/** An account and its slots out of `eth_getProof`, as `stateRoot` has them. Throws RuleError, or Unread for a shapeless answer. */
export function checkAccount(answer: unknown, account: Hex, slots: readonly Hex[], stateRoot: Hex): ProvedAccount {
  const fields = object(answer);
  const what = `account ${account}`;
  alike(what, account, hexOf(fields["address"]));
  const held = accountOf(trieValue(stateRoot, keccak256(bytesOf(account)), nodesOf(fields["accountProof"]), what), what);
  for (const [name, want, got] of [
    ["nonce", held.nonce, bigOf(fields["nonce"])],
    ["balance", held.balance, bigOf(fields["balance"])],
    ["storage root", held.storageRoot, hexOf(fields["storageHash"])],
    ["code hash", held.codeHash, hexOf(fields["codeHash"])],
  ] as const) {
    alike(`${name} of ${account}`, `${want}`, `${got}`);
  }
  const listed = fields["storageProof"];
  if (!Array.isArray(listed) || listed.length !== slots.length) throw shapeless("storageProof", listed);
  const storage = slots.map((slot, at) => [slot, slotValue(object(listed[at]), slot, held.storageRoot, account)] as const);
  return { codeHash: held.codeHash, storage: new Map(storage) };
}

function slotValue(answer: Readonly<Record<string, unknown>>, slot: Hex, storageRoot: Hex, account: Hex): bigint {
  const what = `slot ${slot} of ${account}`;
  const found = trieValue(storageRoot, keccak256(bytesOf(slot)), nodesOf(answer["proof"]), what);
  const held = found === null ? 0n : integer(bytesIn(rlpDecode(found), what, 0));
  if (found !== null && held === 0n) throw refused("proof_node_shapeless", { what, depth: 0, why: "a slot is a number above 0" });
  alike(what, `0x${held.toString(16)}`, `0x${bigOf(answer["value"]).toString(16)}`);
  return held;
}

/** What a trie holds under a key, null if the nodes prove that it holds nothing; every node must be used. */
export function trieValue(root: Hex, key: Uint8Array, nodes: readonly Uint8Array[], what: string): Uint8Array | null {
  if (root === EMPTY_TRIE && nodes.length === 0) return null;
  const walk = { nodes, what, used: 0 };
  const value = descend(walk, bytesOf(root), nibbles(key));
  if (walk.used !== nodes.length) {
    throw refused("proof_overlong", { what, want_nodes: walk.used, got_nodes: nodes.length });
  }
  return value;
}

interface Walk {
  readonly nodes: readonly Uint8Array[];
  readonly what: string;
  used: number;
}

function descend(walk: Walk, root: Uint8Array, key: readonly number[]): Uint8Array | null {
  let [reference, path]: [Item, readonly number[]] = [root, key];
  while (!(reference instanceof Uint8Array && reference.length === 0)) {
    const node = nodeOf(walk, reference);
    if (node.length === 17) {
      const [turn, ...rest] = path;
      if (turn === undefined) {
        const value = bytesIn(node[16] ?? EMPTY, walk.what, walk.used);
        return value.length ? value : null;
      }
      [reference, path] = [node[turn] ?? EMPTY, rest];
      continue;
    }
    const { leaf, part } = hexPrefix(walk, node[0] ?? EMPTY);
    if (part.some((nibble, at) => nibble !== path[at]) || (leaf && path.length !== part.length)) return null;
    if (leaf) return bytesIn(node[1] ?? EMPTY, walk.what, walk.used);
    [reference, path] = [node[1] ?? EMPTY, path.slice(part.length)];
  }
  return null;
}

function nodeOf(walk: Walk, reference: Item): readonly Item[] {
  const shaped = (item: Item): readonly Item[] => {
    if (!(item instanceof Uint8Array) && (item.length === 2 || item.length === 17)) return item;
    throw refused("proof_node_shapeless", { what: walk.what, depth: walk.used, why: "neither 2 nor 17 items" });
  };
  if (!(reference instanceof Uint8Array)) return shaped(reference);
  if (reference.length !== 32) {
    throw refused("proof_node_shapeless", { what: walk.what, depth: walk.used, why: "a child is no hash" });
  }
  const raw = walk.nodes[walk.used];
  const facts = { what: walk.what, depth: walk.used, want_hash: reference };
  if (raw === undefined) throw refused("proof_incomplete", facts);
  const got = keccak256(raw);
  if (!same(got, reference)) throw refused("proof_node_forged", { ...facts, got_hash: got });
  walk.used += 1;
  if (walk.used > 1 && raw.length < 32) {
    throw refused("proof_node_shapeless", { what: walk.what, depth: walk.used, why: "a short node stands behind a hash" });
  }
  return shaped(rlpDecode(raw));
}

function hexPrefix(walk: Walk, item: Item): { readonly leaf: boolean; readonly part: readonly number[] } {
  const path = nibbles(bytesIn(item, walk.what, walk.used));
  const [first] = path;
  if (first === undefined || first > 3 || (!(first & 1) && path[1] !== 0)) {
    throw refused("proof_node_shapeless", { what: walk.what, depth: walk.used, why: "the path's prefix" });
  }
  return { leaf: first >= 2, part: path.slice(first & 1 ? 1 : 2) };
}

function accountOf(found: Uint8Array | null, what: string) {
  if (found === null) return { nonce: 0n, balance: 0n, storageRoot: EMPTY_TRIE, codeHash: EMPTY_CODE };
  const item = rlpDecode(found);
  const [nonce, balance, storage, code] = item instanceof Uint8Array ? [] : item;
  if (
    nonce instanceof Uint8Array && balance instanceof Uint8Array && storage instanceof Uint8Array &&
    code instanceof Uint8Array && !(item instanceof Uint8Array) && item.length === 4 && storage.length === 32 && code.length === 32
  ) {
    return { nonce: integer(nonce), balance: integer(balance), storageRoot: toHex(storage), codeHash: toHex(code) };
  }
  throw refused("proof_node_shapeless", { what, depth: 0, why: "an account is nonce, balance, root and code hash" });
}

/** The one item that fills `raw`, strictly canonical. Throws RuleError rlp_malformed. */
export function rlpDecode(raw: Uint8Array): Item {
  const { item, end } = itemAt(raw, 0);
  if (end !== raw.length) throw refused("rlp_malformed", { why: "trailing bytes", offset: end });
  return item;
}

function itemAt(raw: Uint8Array, at: number): { readonly item: Item; readonly end: number } {
  const lead = raw[at];
  if (lead === undefined) throw refused("rlp_malformed", { why: "ends early", offset: at });
  if (lead < 0x80) return { item: raw.subarray(at, at + 1), end: at + 1 };
  const isList = lead >= 0xc0;
  const { body, size } = lengthAt(raw, at, lead - (isList ? 0xc0 : 0x80));
  const end = body + size;
  if (end > raw.length) throw refused("rlp_malformed", { why: "ends early", offset: at });
  if (isList) return { item: itemsIn(raw, body, end), end };
  if (size === 1 && (raw[body] ?? 0) < 0x80) {
    throw refused("rlp_malformed", { why: "a byte below 0x80 stands for itself", offset: at });
  }
  return { item: raw.subarray(body, end), end };
}

function itemsIn(raw: Uint8Array, from: number, end: number): readonly Item[] {
  const items: Item[] = [];
  let at = from;
  while (at < end) {
    const next = itemAt(raw, at);
    items.push(next.item);
    at = next.end;
  }
  if (at !== end) throw refused("rlp_malformed", { why: "an item leaves its list", offset: at });
  return items;
}

function lengthAt(raw: Uint8Array, at: number, code: number): { readonly body: number; readonly size: number } {
  if (code <= 55) return { body: at + 1, size: code };
  const body = at + 1 + code - 55;
  const bytes = raw.subarray(at + 1, body);
  const size = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  if (bytes.length !== code - 55 || bytes[0] === 0 || size <= 55) {
    throw refused("rlp_malformed", { why: "length not in its shortest form", offset: at });
  }
  return { body, size };
}

function rlpList(items: readonly Uint8Array[]): Uint8Array {
  const body = concat(...items.map((item) => {
    if (item.length === 1 && (item[0] ?? 0) < 0x80) return item;
    return concat(lengthPrefix(0x80, item.length), item);
  }));
  return concat(lengthPrefix(0xc0, body.length), body);
}

function lengthPrefix(base: number, size: number): Uint8Array {
  if (size <= 55) return Uint8Array.of(base + size);
  const bytes = minimal(BigInt(size));
  return concat(Uint8Array.of(base + 55 + bytes.length), bytes);
}

function headerField(name: string, size: number | null, value: unknown): Uint8Array {
  if (size === null) return minimal(bigOf(value));
  const bytes = typeof value === "string" ? fromHex(value) : null;
  if (bytes === null || (size >= 0 && bytes.length !== size)) throw shapeless(name, value);
  return bytes;
}

function minimal(value: bigint): Uint8Array {
  if (value === 0n) return EMPTY;
  const digits = value.toString(16);
  return bytesOf(`0x${digits.length % 2 ? "0" : ""}${digits}`);
}

function integer(raw: Uint8Array): bigint {
  if (raw[0] === 0) throw refused("rlp_malformed", { why: "integer with a leading zero", offset: 0 });
  return raw.length ? BigInt(toHex(raw)) : 0n;
}

function nibbles(raw: Uint8Array): readonly number[] {
  return Array.from(raw).flatMap((byte) => [byte >> 4, byte & 15]);
}

function bytesIn(item: Item, what: string, depth: number): Uint8Array {
  if (item instanceof Uint8Array) return item;
  throw refused("proof_node_shapeless", { what, depth, why: "a list where bytes belong" });
}

function alike(what: string, want: string, got: string): void {
  if (want !== got) throw refused("proved_otherwise", { what, want, got });
}

function refused(code: string, facts: Readonly<Record<string, Fact>>): RuleError {
  return new RuleError(code, facts);
}

function nodesOf(value: unknown): readonly Uint8Array[] {
  if (!Array.isArray(value)) throw shapeless("nodes", value);
  return value.map((node) => bytesOf(hexOf(node)));
}

function object(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
  throw shapeless("proof", value);
}

function hexOf(value: unknown): Hex {
  const bytes = typeof value === "string" ? fromHex(value) : null;
  if (bytes === null) throw shapeless("proof", value);
  return toHex(bytes);
}

function bigOf(value: unknown): bigint {
  if (typeof value === "string" && /^0x[0-9a-fA-F]+$/.test(value)) return BigInt(value);
  throw shapeless("quantity", value);
}

function shapeless(what: string, value: unknown): Unread {
  return new Unread("state proof", `rpc_malformed: what=${what}, value=${(JSON.stringify(value) ?? "nothing").slice(0, 80)}`);
}
