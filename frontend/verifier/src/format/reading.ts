/** The 64 bytes of a reading, its salt, and how one follows another (protocol 2). */

import { hmac } from "@noble/hashes/hmac";
import { sha256 } from "@noble/hashes/sha2";
import { RuleError } from "../error.ts";
import { FLAG_REGISTER_RESET, type Reading } from "../values.ts";

export const READING_SIZE = 64;
const MAGIC = 0x53415231;
const VERSION = 1;
const KNOWN_FLAGS = 0b111;

/** Read exactly 64 bytes. Throws RuleError reading_malformed. */
export function decodeReading(raw: Uint8Array): Reading {
  if (raw.length !== READING_SIZE) throw malformed("size", `${READING_SIZE}`, `${raw.length}`);
  const view = new DataView(raw.buffer, raw.byteOffset, READING_SIZE);
  if (view.getUint32(0) !== MAGIC) throw malformed("magic", "SAR1", view.getUint32(0).toString(16).padStart(8, "0"));
  const [version, flags] = [view.getUint8(4), view.getUint8(5)];
  if (version !== VERSION) throw malformed("version", `${VERSION}`, `${version}`);
  if (flags & ~KNOWN_FLAGS) throw malformed("flags", `bits of 0x${KNOWN_FLAGS.toString(16)}`, `0x${flags.toString(16)}`);
  return {
    flags, channel: view.getUint16(6), seq: view.getBigUint64(8), tMs: view.getBigUint64(16), a: view.getInt32(24),
    b: view.getInt32(28), c: view.getBigUint64(32), d: view.getBigUint64(40), salt: raw.subarray(48),
  };
}

/** Salts of one segment: first 16 bytes of HMAC-SHA-256(secret, channel u16 ‖ seq u64) (protocol 2.5). */
export function salts(secret: Uint8Array): (channel: number, seq: bigint) => Uint8Array {
  const keyed = hmac.create(sha256, secret);
  const message = new Uint8Array(10);
  const view = new DataView(message.buffer);
  return (channel, seq) => {
    view.setUint16(0, channel);
    view.setBigUint64(2, seq);
    return keyed.clone().update(message).digest().subarray(0, 16);
  };
}

/** Refuse a reading that does not follow its predecessor (protocol 2.4). Throws sequence_broken or register_went_backwards. */
export function checkFollows(previous: Reading, reading: Reading): void {
  if (reading.seq !== previous.seq + 1n) {
    throw new RuleError("sequence_broken", {
      channel: reading.channel, want_seq: previous.seq + 1n, got_seq: reading.seq,
    });
  }
  if (reading.flags & FLAG_REGISTER_RESET) return;
  for (const register of ["c", "d"] as const) {
    if (reading[register] >= previous[register]) continue;
    throw new RuleError("register_went_backwards", {
      channel: reading.channel, seq: reading.seq, register, previous_wh: previous[register], got_wh: reading[register],
    });
  }
}

/** State of charge and of health, basis points, out of a battery reading's `b`. */
export function batteryWord(b: number): { readonly socBp: number; readonly sohBp: number } {
  return { socBp: b >>> 16, sohBp: b & 0xffff };
}

function malformed(field: string, want: string, got: string): RuleError {
  return new RuleError("reading_malformed", { field, want, got });
}
