/** Opening encrypted blocks (protocol 4.8): AES-256-GCM under content keys, which grants wrap for one reader's X25519 key. */

import { gcm } from "@noble/ciphers/aes";
import { x25519 } from "@noble/curves/ed25519";
import { hkdf } from "@noble/hashes/hkdf";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2";
import { ascii, compareBytes, concat, sha256, toHex } from "../bytes.ts";
import { decode, type Plain } from "../cbor.ts";
import { RuleError } from "../error.ts";
import { Fields } from "../fields.ts";
import type { Hex } from "../values.ts";

const NONCE = new Uint8Array(12);
const PURPOSE = ascii("storage-alliance/grant/1");
const U64_MAX = (1n << 64n) - 1n;

/** What was unwrapped of grants that are held, by reader: the same bytes always hold the same keys. */
const unwrapped = new WeakMap<Uint8Array, Map<string, ContentKeys>>();

/** What a reader was granted of an epoch: block digest → content key. */
export type ContentKeys = ReadonlyMap<Hex, Uint8Array>;

/** Reads a grant's bytes, null when there is none. Throws Unread or RuleError grants_unreachable. */
export type GrantSource = (fingerprint: string, epoch: number) => Promise<Uint8Array | null>;

/** HKDF-SHA-256 with an empty salt: 32 bytes for one purpose. */
export function derived(secret: Uint8Array, info: Uint8Array): Uint8Array {
  return hkdf(nobleSha256, secret, undefined, info, 32);
}

/** The plaintext under a key. Throws RuleError content_key_wrong. */
export function unseal(sealed: Uint8Array, key: Uint8Array, what: string): Uint8Array {
  try {
    return gcm(key, NONCE).decrypt(sealed);
  } catch {
    throw new RuleError("content_key_wrong", { what, key: toHex(sha256(key)).slice(2, 10) });
  }
}

/** A reader's key pair out of the one line of a key file, 64 hex digits. Throws RuleError key_file_malformed. */
export function readerOf(text: string): Reader {
  const line = text.trim();
  if (!/^[0-9a-fA-F]{64}$/.test(line)) {
    throw new RuleError("key_file_malformed", { want: "64 hex digits", got: `${line.length} characters` });
  }
  return new Reader(Uint8Array.from(line.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)));
}

/** A reader's X25519 key pair. */
export class Reader {
  readonly publicKey: Uint8Array;
  /** How the reader is named in addresses. */
  readonly fingerprint: string;

  constructor(private readonly secret: Uint8Array) {
    this.publicKey = x25519.getPublicKey(secret);
    this.fingerprint = toHex(sha256(this.publicKey)).slice(2, 22);
  }

  /** The content keys of one epoch's grant. Throws RuleError. */
  unwrap(raw: Uint8Array, epoch: number): ContentKeys {
    const grant = grantOf(raw);
    if (toHex(grant.reader) !== toHex(this.publicKey) || grant.epoch !== BigInt(epoch)) {
      const got = `${toHex(sha256(grant.reader)).slice(2, 22)}/${grant.epoch}`;
      throw new RuleError("grant_foreign", { want: `${this.fingerprint}/${epoch}`, got });
    }
    const shared = this.shared(grant.ephemeral);
    return new Map(
      grant.keys.map(({ block, wrapped }) => {
        const key = derived(shared, concat(PURPOSE, grant.ephemeral, this.publicKey, block));
        return [toHex(block), unseal(wrapped, key, "content key in a grant")];
      }),
    );
  }

  private shared(ephemeral: Uint8Array): Uint8Array {
    try {
      return x25519.getSharedSecret(this.secret, ephemeral);
    } catch {
      throw new RuleError("reader_key_unusable", { public: ephemeral });
    }
  }
}

/** Finds the content keys that were granted to one reader; each epoch's grant is read once. */
export class Opener {
  private readonly epochs = new Map<number, Promise<ContentKeys>>();

  constructor(
    readonly reader: Reader,
    private readonly grants: GrantSource,
  ) {}

  /** A block's content key, null when the epoch's grant lacks it. Throws RuleError or Unread. */
  async keyOf(block: Hex, epoch: number): Promise<Uint8Array | null> {
    let keys = this.epochs.get(epoch);
    if (keys === undefined) {
      keys = this.read(epoch);
      this.epochs.set(epoch, keys);
      keys.catch(() => undefined);
    }
    return (await keys).get(block) ?? null;
  }

  /** A block's content key out of the first of some epochs' grants that has it. */
  async keyIn(block: Hex, epochs: readonly number[]): Promise<Uint8Array | null> {
    for (const epoch of epochs) {
      const key = await this.keyOf(block, epoch);
      if (key !== null) return key;
    }
    return null;
  }

  private async read(epoch: number): Promise<ContentKeys> {
    const raw = await this.grants(this.reader.fingerprint, epoch);
    if (raw === null) return new Map();
    const byReader = unwrapped.get(raw) ?? new Map<string, ContentKeys>();
    unwrapped.set(raw, byReader);
    const name = `${toHex(this.reader.publicKey)}/${epoch}`;
    const keys = byReader.get(name) ?? this.reader.unwrap(raw, epoch);
    byReader.set(name, keys);
    return keys;
  }
}

interface Grant {
  readonly reader: Uint8Array;
  readonly epoch: bigint;
  readonly ephemeral: Uint8Array;
  readonly keys: readonly { readonly block: Uint8Array; readonly wrapped: Uint8Array }[];
}

function grantOf(raw: Uint8Array): Grant {
  const fields = new Fields(decode(raw), "grant");
  const version = fields.int("v");
  if (version !== 1n) throw new RuleError("grant_version_unknown", { version });
  const grant = {
    reader: fields.bytes("reader", 32),
    epoch: fields.int("epoch", 0n, U64_MAX),
    ephemeral: fields.bytes("ephemeral", 32),
    keys: fields.list("keys").map(wrappedKey),
  };
  fields.finish();
  for (const [at, { block }] of grant.keys.entries()) {
    const before = grant.keys[at - 1];
    if (before && compareBytes(block, before.block) <= 0) throw new RuleError("grant_disordered", { block });
  }
  return grant;
}

function wrappedKey(item: Plain): Grant["keys"][number] {
  const fields = new Fields(item, "grant.key");
  const key = { block: fields.bytes("block", 32), wrapped: fields.bytes("wrapped", 48) };
  fields.finish();
  return key;
}
