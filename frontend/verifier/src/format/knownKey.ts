/**
 * Who signed, asked of keys that signed before (protocol 3.6): with Q known, a secp256k1 signature (r, s, parity) recovers to Q
 * exactly where s⁻¹(zG + rQ) is the point of abscissa r and that parity. Multiples of G and Q are kept, so that a sum of at
 * most 95 points takes the place of a recovery; whatever it does not confirm is recovered in full.
 */

import { secp256k1 } from "@noble/curves/secp256k1";
import { toHex } from "../bytes.ts";

const { n: ORDER, Fp: { ORDER: PRIME } } = secp256k1.CURVE;
const Curve = secp256k1.ProjectivePoint;
const BASE_BITS = 6;
const KEY_BITS = 5;

/** A point of the curve but zero. */
interface Affine {
  readonly x: bigint;
  readonly y: bigint;
}

/** A signature of algorithm 1, apart. */
export interface Recoverable {
  readonly r: bigint;
  readonly s: bigint;
  readonly odd: boolean;
}

/** d · 2^(bits · w) · P by window w and digit d − 1. */
type Multiples = readonly (readonly Affine[])[];

let baseMultiples: Multiples | null = null;

/** A public key and its multiples. */
export class KnownKey {
  private readonly multiples: Multiples;

  /** The key as 64 bytes x‖y of a point of the curve. */
  constructor(key: Uint8Array) {
    const [x, y] = [BigInt(toHex(key.subarray(0, 32))), BigInt(toHex(key.subarray(32)))];
    this.multiples = multiplesOf(Curve.fromAffine({ x, y }), KEY_BITS);
  }

  /** Whether the signature recovers to this key; false too where the sum meets a case that is left to recovery. */
  signed(digest: Uint8Array, { r, s, odd }: Recoverable): boolean {
    if (r <= 0n || r >= ORDER || s <= 0n || s >= ORDER) return false;
    baseMultiples ??= multiplesOf(Curve.BASE, BASE_BITS);
    const w = inverse(s, ORDER);
    const sum = new Sum();
    const added =
      sum.add(baseMultiples, (BigInt(toHex(digest)) * w) % ORDER, BASE_BITS) && sum.add(this.multiples, (r * w) % ORDER, KEY_BITS);
    return added && sum.is(r, odd);
  }
}

/** A sum of points in Jacobian coordinates. */
class Sum {
  private x = 0n;
  private y = 0n;
  private z = 0n;

  /** Add k · P out of the multiples of P; false where two points share their abscissa. */
  add(multiples: Multiples, k: bigint, bits: number): boolean {
    const mask = (1 << bits) - 1;
    let rest = k;
    for (const row of multiples) {
      const digit = Number(rest & BigInt(mask));
      rest >>= BigInt(bits);
      const point = row[digit - 1];
      if (point !== undefined && !this.plus(point)) return false;
    }
    return true;
  }

  is(abscissa: bigint, odd: boolean): boolean {
    if (this.z === 0n) return false;
    const zz = (this.z * this.z) % PRIME;
    if ((this.x - abscissa * zz) % PRIME !== 0n) return false;
    const y = positive(this.y * inverse((zz * this.z) % PRIME, PRIME));
    return (y & 1n) === (odd ? 1n : 0n);
  }

  /** Mixed addition (8 multiplications, 3 squares). */
  private plus({ x, y }: Affine): boolean {
    if (this.z === 0n) {
      [this.x, this.y, this.z] = [x, y, 1n];
      return true;
    }
    const zz = (this.z * this.z) % PRIME;
    const h = (x * zz - this.x) % PRIME;
    if (h === 0n) return false;
    const slope = (y * ((zz * this.z) % PRIME) - this.y) % PRIME;
    const hh = (h * h) % PRIME;
    const hhh = (h * hh) % PRIME;
    const v = (this.x * hh) % PRIME;
    this.x = (slope * slope - hhh - 2n * v) % PRIME;
    this.y = (slope * (v - this.x) - this.y * hhh) % PRIME;
    this.z = (this.z * h) % PRIME;
    return true;
  }
}

function multiplesOf(point: typeof Curve.BASE, bits: number): Multiples {
  const count = (1 << bits) - 1;
  const all: (typeof point)[] = [];
  let base = point;
  for (let at = 0; at < 256; at += bits) {
    let sum = base;
    for (let digit = 1; digit <= count; digit += 1, sum = sum.add(base)) all.push(sum);
    base = sum;
  }
  const flat = Curve.normalizeZ(all).map((one) => ({ x: one.x, y: one.y }));
  return Array.from({ length: flat.length / count }, (_, row) => flat.slice(row * count, (row + 1) * count));
}

/** The inverse by Euclid's algorithm; the modulus is prime and `value` no multiple of it. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [((value % modulus) + modulus) % modulus, modulus, 1n, 0n];
  while (a > 1n) {
    const quotient = b / a;
    [a, b, x, y] = [b - quotient * a, a, y - quotient * x, x];
  }
  return ((x % modulus) + modulus) % modulus;
}

function positive(value: bigint): bigint {
  const rest = value % PRIME;
  return rest < 0n ? rest + PRIME : rest;
}
