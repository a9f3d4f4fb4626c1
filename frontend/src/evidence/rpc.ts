/** JSON-RPC of an Ethereum node: the few questions that a verifier asks, each answer checked for its form. */

import { Refusal } from "./refusal.ts";

/** Asks a node one question. Throws Refusal when it cannot be reached or refuses. */
export type Ask = (method: string, params: readonly unknown[]) => Promise<unknown>;

export interface Block {
  readonly number: bigint;
  readonly hash: `0x${string}`;
  readonly timestampS: bigint;
}

export interface RawLog {
  readonly topics: readonly `0x${string}`[];
  readonly data: `0x${string}`;
  readonly blockNumber: bigint;
  readonly blockHash: `0x${string}`;
  readonly logIndex: bigint;
}

/** A node over HTTP. */
export function httpRpc(url: string): Ask {
  let id = 0;
  return async (method, params) => {
    id += 1;
    const answer = await post(url, { jsonrpc: "2.0", id, method, params });
    if ("error" in answer) throw new Refusal("rpc_refused", { method, why: JSON.stringify(answer["error"]).slice(0, 200) });
    return answer["result"];
  };
}

export async function chainId(ask: Ask): Promise<bigint> {
  return quantity("eth_chainId", await ask("eth_chainId", []));
}

export async function headNumber(ask: Ask): Promise<bigint> {
  return quantity("eth_blockNumber", await ask("eth_blockNumber", []));
}

/** A block by number, null when the node has none. */
export async function block(ask: Ask, number: bigint): Promise<Block | null> {
  const got = await ask("eth_getBlockByNumber", [hex(number), false]);
  if (got === null) return null;
  const fields = object("eth_getBlockByNumber", got);
  return {
    number: quantity("number", fields["number"]),
    hash: data("hash", fields["hash"]),
    timestampS: quantity("timestamp", fields["timestamp"]),
  };
}

export async function code(ask: Ask, address: `0x${string}`): Promise<`0x${string}`> {
  return data("eth_getCode", await ask("eth_getCode", [address, "latest"]));
}

/** Logs of one contract between two blocks, both included, in chain order. */
export async function logs(
  ask: Ask,
  wanted: {
    readonly address: `0x${string}`;
    readonly topics: readonly (`0x${string}` | readonly `0x${string}`[] | null)[];
    readonly fromBlock: bigint;
    readonly toBlock: bigint;
  },
): Promise<readonly RawLog[]> {
  const filter = { ...wanted, fromBlock: hex(wanted.fromBlock), toBlock: hex(wanted.toBlock) };
  const got = await ask("eth_getLogs", [filter]);
  if (!Array.isArray(got)) throw new Refusal("rpc_refused", { method: "eth_getLogs", why: typeof got });
  return got.map(logOf).toSorted(byPlace);
}

/** Order on the chain: block, then log index. */
export function byPlace(
  a: { readonly blockNumber: bigint; readonly logIndex: bigint },
  b: { readonly blockNumber: bigint; readonly logIndex: bigint },
): number {
  return Number(a.blockNumber - b.blockNumber || a.logIndex - b.logIndex);
}

function logOf(value: unknown): RawLog {
  const fields = object("eth_getLogs", value);
  const topics = fields["topics"];
  if (!Array.isArray(topics)) throw new Refusal("rpc_refused", { method: "eth_getLogs", why: "topics" });
  return {
    topics: topics.map((topic: unknown) => data("topic", topic)),
    data: data("data", fields["data"]),
    blockNumber: quantity("blockNumber", fields["blockNumber"]),
    blockHash: data("blockHash", fields["blockHash"]),
    logIndex: quantity("logIndex", fields["logIndex"]),
  };
}

async function post(url: string, body: unknown): Promise<Readonly<Record<string, unknown>>> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      credentials: "omit",
    });
    return object("JSON-RPC", await response.json());
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal("rpc_unreachable", { url, why: error instanceof Error ? error.message : String(error) });
  }
}

function object(method: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
  throw new Refusal("rpc_refused", { method, why: JSON.stringify(value) ?? "–" });
}

function quantity(method: string, value: unknown): bigint {
  if (typeof value === "string" && /^0x[0-9a-fA-F]+$/.test(value)) return BigInt(value);
  throw new Refusal("rpc_refused", { method, why: JSON.stringify(value) ?? "–" });
}

function data(method: string, value: unknown): `0x${string}` {
  if (typeof value === "string" && /^0x[0-9a-fA-F]*$/.test(value)) return value.toLowerCase() as `0x${string}`;
  throw new Refusal("rpc_refused", { method, why: JSON.stringify(value) ?? "–" });
}

function hex(number: bigint): `0x${string}` {
  return `0x${number.toString(16)}`;
}
