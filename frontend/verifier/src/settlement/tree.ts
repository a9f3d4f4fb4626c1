/**
 * A statement's leaves in bytes and their Merkle root in OpenZeppelin's order (protocol 8.9.1): a leaf is
 * abi.encode(uint8 kind, uint32 index, bytes body) hashed twice with Keccak-256; hashes ascend; pairs hash in ascending order.
 */

import { bytesOf, compareBytes, concat, keccak256, toHex } from "../bytes.ts";
import type { Hex } from "../values.ts";
import { ZERO_DIGEST } from "../values.ts";
import type { Entry, Line, Quantity, SlotTotal, Statement, Weights } from "./statement.ts";

const WORD = 32;
const KIND = { QUANTITY: 1, SLOT_TOTAL: 2, LINE: 3, ENTRY: 4, WEIGHTS: 5 } as const;

/** One leaf: its kind, its place among all leaves, and its ABI-encoded body. */
export interface Leaf {
  readonly kind: number;
  readonly index: number;
  readonly body: Uint8Array;
}

/** The root that is posted; 32 zero bytes for no leaves. */
export function statementRoot(statement: Statement): Hex {
  const hashes = leavesOf(statement).map(leafHash).sort(compareBytes).reverse();
  const nodes: Uint8Array[] = [...new Array<Uint8Array>(Math.max(0, hashes.length - 1)), ...hashes];
  for (let at = hashes.length - 2; at >= 0; at -= 1) {
    const [left, right] = [nodes[2 * at + 1], nodes[2 * at + 2]];
    if (left !== undefined && right !== undefined) nodes[at] = nodeHash(left, right);
  }
  return nodes[0] === undefined ? ZERO_DIGEST : toHex(nodes[0]);
}

/** All leaves in order: quantities, slot totals, lines, entries, weights. */
export function leavesOf(statement: Statement): readonly Leaf[] {
  const { heading, quantities, slotTotals, lines, entries, weights } = statement;
  const firstLine = quantities.length + slotTotals.length;
  const bodies: (readonly [number, Uint8Array])[] = [
    ...quantities.map((leaf) => [KIND.QUANTITY, quantityBody(leaf)] as const),
    ...slotTotals.map((leaf) => [KIND.SLOT_TOTAL, slotTotalBody(leaf)] as const),
    ...lines.map((leaf) => [KIND.LINE, lineBody(heading.day, leaf)] as const),
    ...entries.map((leaf) => [KIND.ENTRY, entryBody(leaf, firstLine)] as const),
    ...weights.map((leaf) => [KIND.WEIGHTS, weightsBody(leaf)] as const),
  ];
  return bodies.map(([kind, body], index) => ({ kind, index, body }));
}

/** keccak256(keccak256(abi.encode(kind, index, body))). */
export function leafHash({ kind, index, body }: Leaf): Uint8Array {
  return keccak256(keccak256(concat(words(kind, index, 3 * WORD, body.length), body)));
}

function nodeHash(a: Uint8Array, b: Uint8Array): Uint8Array {
  return compareBytes(a, b) < 0 ? keccak256(concat(a, b)) : keccak256(concat(b, a));
}

function quantityBody(q: Quantity): Uint8Array {
  const head = words(q.station, q.slot, q.netWh, q.status, q.disputed ? 1 : 0);
  if (q.edgeFrom === null || q.edgeTo === null) return concat(head, words(0, 0, 0, 0, 0, 0), bytesOf(q.document));
  const { device, channel, seq, boundary } = q.edgeFrom;
  const edges = words(BigInt(device), channel, seq, q.edgeTo.seq, boundary, q.edgeTo.boundary);
  return concat(head, edges, bytesOf(q.document));
}

const slotTotalBody = (t: SlotTotal): Uint8Array =>
  words(t.group, t.slot, t.position, t.count, t.station, t.importsWh, t.exportsWh);

function lineBody(day: number, x: Line): Uint8Array {
  const place = words(day, x.slot, x.kind, x.account, x.counterparty, x.subject, x.group);
  return concat(place, words(x.quantityWh, x.priceCentsPerMwh, x.amountCents), bytesOf(x.evidence));
}

const entryBody = (e: Entry, firstLine: number): Uint8Array =>
  words(e.account, e.group, e.index, firstLine + e.line, e.amountCents, e.balanceCents);

function weightsBody(w: Weights): Uint8Array {
  const members = array(w.weightsWh.map(([member]) => member));
  const weights = array(w.weightsWh.map(([, weight]) => weight));
  return concat(words(w.group, 3 * WORD, 3 * WORD + members.length), members, weights);
}

const array = (values: readonly (number | bigint)[]): Uint8Array => words(values.length, ...values);

/** Integers as 32-byte words in two's complement; those given as numbers are below 2^32. */
function words(...values: readonly (number | bigint)[]): Uint8Array {
  const bytes = new Uint8Array(WORD * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, at) => {
    if (typeof value === "number") view.setUint32((at + 1) * WORD - 4, value);
    else writeWord(view, at * WORD, value);
  });
  return bytes;
}

/** An amount; beyond 64 bits only a balance could be, and an address is. */
function writeWord(view: DataView, at: number, value: bigint): void {
  let rest = value;
  for (let offset = WORD - 8; offset >= 0 && rest !== 0n; offset -= 8) {
    view.setBigUint64(at + offset, BigInt.asUintN(64, rest));
    rest >>= 64n;
  }
}
