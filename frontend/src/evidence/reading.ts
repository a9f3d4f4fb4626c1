/** The 64 bytes of a reading (protocol 2.1): "SAR1" · version · flags · channel · seq · t_ms · a · b · c · d · salt. */

import { Refusal } from "./refusal.ts";

const SIZE = 64;
const MAGIC = 0x53415231;
const VERSION = 1;
const KNOWN_FLAGS = 0b111;

/** What a, b, c, d mean (protocol 2.2). */
export type ChannelKind = "meter" | "battery";

/** A reading's fields as signed; power positive out of the station, registers cumulative Wh. */
export interface Reading {
  readonly flags: number;
  readonly channel: number;
  readonly seq: bigint;
  readonly tMs: bigint;
  readonly a: number;
  readonly b: number;
  readonly c: bigint;
  readonly d: bigint;
  readonly salt: Uint8Array;
}

/** Read exactly 64 bytes. Throws Refusal for another size, magic, version or unknown flag. */
export function decodeReading(raw: Uint8Array): Reading {
  if (raw.length !== SIZE) throw new Refusal("reading_size", { want: `${SIZE}`, got: `${raw.length}` });
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  if (view.getUint32(0) !== MAGIC) throw new Refusal("reading_magic", { want: "SAR1", got: hex(view.getUint32(0)) });
  if (view.getUint8(4) !== VERSION) {
    throw new Refusal("reading_version", { want: `${VERSION}`, got: `${view.getUint8(4)}` });
  }
  const flags = view.getUint8(5);
  if ((flags & ~KNOWN_FLAGS) !== 0) throw new Refusal("reading_flags", { got: hex(flags) });
  return {
    flags,
    channel: view.getUint16(6),
    seq: view.getBigUint64(8),
    tMs: view.getBigUint64(16),
    a: view.getInt32(24),
    b: view.getInt32(28),
    c: view.getBigUint64(32),
    d: view.getBigUint64(40),
    salt: raw.slice(48),
  };
}

/** State of charge and of health, 1/10,000, out of a battery reading's `b`. */
export function batteryWord(b: number): { readonly socBp: number; readonly sohBp: number } {
  return { socBp: b >>> 16, sohBp: b & 0xffff };
}

/** The kind of a channel by its number in `ChannelBound`. Throws Refusal. */
export function kindOf(number: number): ChannelKind {
  if (number === 1) return "meter";
  if (number === 2) return "battery";
  throw new Refusal("channel_kind_unknown", { got: `${number}` });
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
