/** Inclusion in the hash tree of RFC 9162, 2.1.3.2 (protocol 1.1): leaf SHA-256(0x00‖bytes), node SHA-256(0x01‖left‖right). */

import { type Bytes, sha256 } from "./bytes.ts";
import { Refusal } from "./refusal.ts";

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** Hash of a leaf's bytes. */
export function leafHash(entry: Uint8Array): Promise<Bytes> {
  return sha256(LEAF, entry);
}

/** Hash of two subtrees. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Promise<Bytes> {
  return sha256(NODE, left, right);
}

/** The root to which a proof leads from the leaf hash. Throws Refusal when the proof's length does not fit. */
export async function rootOfProof(
  leaf: Uint8Array,
  { index, size, proof }: { readonly index: bigint; readonly size: bigint; readonly proof: readonly Uint8Array[] },
): Promise<Uint8Array> {
  const wrong = new Refusal("proof_shape", { index: `${index}`, size: `${size}`, length: `${proof.length}` });
  if (index < 0n || index >= size) throw wrong;
  let [node, f, s] = [leaf, index, size - 1n];
  for (const sibling of proof) {
    if (s === 0n) throw wrong;
    if ((f & 1n) === 1n || f === s) {
      node = await nodeHash(sibling, node);
      while ((f & 1n) === 0n && f !== 0n) [f, s] = [f >> 1n, s >> 1n];
    } else {
      node = await nodeHash(node, sibling);
    }
    [f, s] = [f >> 1n, s >> 1n];
  }
  if (s !== 0n) throw wrong;
  return node;
}
