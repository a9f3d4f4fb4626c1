/** The hash tree of RFC 9162, 2.1 (protocol 1.1): SHA-256, leaf 0x00‖bytes, node 0x01‖left‖right, empty root SHA-256 of nothing. */

import { concat, same, sha256, toHex } from "../bytes.ts";
import { RuleError } from "../error.ts";

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

export const EMPTY_ROOT = sha256(new Uint8Array());

/** Hash of a leaf's bytes. */
export function leafHash(entry: Uint8Array): Uint8Array {
  return sha256(concat(LEAF, entry));
}

/** Hash of two subtrees. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concat(NODE, left, right));
}

/** Root over leaf hashes, in order. */
export function rootOf(leaves: readonly Uint8Array[]): Uint8Array {
  const tree = new GrowingTree();
  for (const leaf of leaves) tree.append(leaf);
  return tree.root();
}

/** A growing tree: the roots of its complete subtrees, largest first, are all that is kept. */
export class GrowingTree {
  size = 0;
  private readonly peaks: { readonly height: number; readonly hash: Uint8Array }[] = [];

  /** Add a leaf hash at the end. */
  append(leaf: Uint8Array): void {
    let [height, hash] = [0, leaf];
    for (let last = this.peaks.at(-1); last?.height === height; last = this.peaks.at(-1)) {
      hash = nodeHash(last.hash, hash);
      height += 1;
      this.peaks.pop();
    }
    this.peaks.push({ height, hash });
    this.size += 1;
  }

  /** The root of all leaves. */
  root(): Uint8Array {
    let root: Uint8Array | null = null;
    for (let at = this.peaks.length - 1; at >= 0; at -= 1) {
      const peak = this.peaks[at];
      if (peak) root = root === null ? peak.hash : nodeHash(peak.hash, root);
    }
    return root ?? EMPTY_ROOT;
  }
}

/** Inclusion, RFC 9162 2.1.3.2. Throws RuleError proof_shape_wrong or inclusion_fails. */
export function verifyInclusion(
  leaf: Uint8Array,
  claim: { readonly index: bigint; readonly size: bigint; readonly proof: readonly Uint8Array[]; readonly root: Uint8Array },
): void {
  const { index, size, proof, root } = claim;
  const wrong = () =>
    new RuleError("proof_shape_wrong", { what: "inclusion", index_or_old_size: index, size, proof_length: proof.length });
  if (index < 0n || index >= size) throw wrong();
  let [node, f, s] = [leaf, index, size - 1n];
  for (const sibling of proof) {
    if (s === 0n) throw wrong();
    if (f & 1n || f === s) {
      node = nodeHash(sibling, node);
      while (!(f & 1n) && f) [f, s] = [f >> 1n, s >> 1n];
    } else {
      node = nodeHash(node, sibling);
    }
    [f, s] = [f >> 1n, s >> 1n];
  }
  if (s) throw wrong();
  if (!same(node, root)) {
    throw new RuleError("inclusion_fails", { index, size, want_root: toHex(root), got_root: toHex(node) });
  }
}

/** Consistency, RFC 9162 2.1.4.2. Throws RuleError proof_shape_wrong or consistency_fails. */
export function verifyConsistency(claim: {
  readonly oldSize: bigint;
  readonly newSize: bigint;
  readonly proof: readonly Uint8Array[];
  readonly oldRoot: Uint8Array;
  readonly newRoot: Uint8Array;
}): void {
  const { oldSize, newSize, oldRoot, newRoot } = claim;
  const path = [...claim.proof];
  const wrong = () =>
    new RuleError("proof_shape_wrong", {
      what: "consistency", index_or_old_size: oldSize, size: newSize, proof_length: claim.proof.length,
    });
  const alike = (want: Uint8Array, got: Uint8Array) => {
    if (same(want, got)) return;
    throw new RuleError("consistency_fails", {
      old_size: oldSize, new_size: newSize, want_root: toHex(want), got_root: toHex(got),
    });
  };
  if (oldSize < 0n || oldSize > newSize) throw wrong();
  if (oldSize === 0n || oldSize === newSize) {
    if (path.length) throw wrong();
    alike(oldSize === 0n ? EMPTY_ROOT : newRoot, oldRoot);
    return;
  }
  if ((oldSize & (oldSize - 1n)) === 0n) path.unshift(oldRoot);
  let [f, s] = [oldSize - 1n, newSize - 1n];
  while (f & 1n) [f, s] = [f >> 1n, s >> 1n];
  const [first, ...rest] = path;
  if (first === undefined) throw wrong();
  let [old, fresh] = [first, first];
  for (const sibling of rest) {
    if (s === 0n) throw wrong();
    if (f & 1n || f === s) {
      [old, fresh] = [nodeHash(sibling, old), nodeHash(sibling, fresh)];
      while (!(f & 1n) && f) [f, s] = [f >> 1n, s >> 1n];
    } else {
      fresh = nodeHash(fresh, sibling);
    }
    [f, s] = [f >> 1n, s >> 1n];
  }
  if (s) throw wrong();
  alike(oldRoot, old);
  alike(newRoot, fresh);
}
