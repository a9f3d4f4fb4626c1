/** Blocks from a trustless gateway: `GET <url>/ipfs/<cid>?format=raw`; only a plain `not found` means that it lacks a block. */

import { bytesOf } from "../bytes.ts";
import { cidText } from "../cbor.ts";
import { Unread } from "../error.ts";
import type { Hex } from "../values.ts";
import { Gate, type Source } from "./source.ts";

const RAW_BLOCK = "application/vnd.ipld.raw";
const ABREAST = 24;
const GONE = [404, 410];

/** A gateway's archive. */
export function gatewaySource(address: string): Source {
  const url = address.replace(/\/+$/, "");
  const gate = new Gate(ABREAST);
  return {
    block: (digest: Hex) => {
      const cid = cidText(bytesOf(digest));
      return gate.run(() => fetched(`${url}/ipfs/${cid}?format=raw`, RAW_BLOCK, `block ${cid}`));
    },
    grant: (fingerprint, epoch) =>
      gate.run(() => fetched(`${url}/grants/${fingerprint}/${epoch}`, "application/vnd.ipld.dag-cbor", "grants")),
  };
}

async function fetched(url: string, accept: string, what: string): Promise<Uint8Array | null> {
  let response: Response;
  try {
    response = await fetch(url, { headers: { accept }, credentials: "omit", redirect: "follow" });
    if (response.ok) return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw new Unread(what, `${error instanceof Error ? error.message : String(error)} at ${url}`);
  }
  if (GONE.includes(response.status)) return null;
  throw new Unread(what, `HTTP ${response.status} at ${url}`);
}
