/** JSON-RPC of an Ethereum node: questions are sent in batches, every answer is checked for its form. Throws Unread. */

import { toFunctionSelector } from "viem/utils";
import { bytesOf, concat, fromHex, keccak256, toHex, word } from "../bytes.ts";
import { Unread } from "../error.ts";
import type { Hex } from "../values.ts";

const BATCH = 100;
const ABREAST = 4;
const MOST_CODES = 256;

/** Codes that were hashed before, by their text: the same contracts answer again and again. */
const codeHashes = new Map<string, Hex>();

/** A block's header as far as an audit needs it. */
export interface Header {
  readonly number: number;
  readonly hash: Hex;
  readonly timestampS: number;
  readonly stateRoot: Hex;
  /** All fields as the node gave them, for hashing the header again. */
  readonly raw: Readonly<Record<string, unknown>>;
}

/** An event as the node reports it, not decoded. */
export interface RawLog {
  readonly address: Hex;
  readonly topics: readonly Hex[];
  readonly data: Hex;
  readonly blockNumber: number;
  readonly blockHash: Hex;
  readonly txHash: Hex;
  readonly logIndex: number;
}

/** The node answered with an error: the call reverted, or was refused. */
export class RpcRefused extends Unread {
  constructor(method: string, readonly rpcCode: number, message: string) {
    super("chain", `rpc_refused: method=${method}, rpc_code=${rpcCode}, message=${message}`);
  }
}

interface Question {
  readonly method: string;
  readonly params: readonly unknown[];
  readonly settle: (answer: unknown) => void;
  readonly fail: (error: unknown) => void;
}

/** A node over HTTP. Questions asked in the same turn travel together. */
export class Rpc {
  private waiting: Question[] = [];
  private flying = 0;
  private batches = true;
  private id = 0;

  constructor(readonly url: string) {}

  /** The result of one call. Throws Unread. */
  ask(method: string, params: readonly unknown[]): Promise<unknown> {
    return new Promise((settle, fail) => {
      this.waiting.push({ method, params, settle, fail });
      if (this.waiting.length === 1) queueMicrotask(() => this.send());
    });
  }

  async chainId(): Promise<bigint> {
    return BigInt(quantity("chainId", await this.ask("eth_chainId", [])));
  }

  /** A block by number or tag, null when the node has none. */
  async header(tag: number | "latest"): Promise<Header | null> {
    const got = await this.ask("eth_getBlockByNumber", [tagOf(tag), false]);
    return got === null ? null : headerOf(object("block", got));
  }

  /** Keccak-256 of an account's runtime code. */
  async codeHash(address: Hex): Promise<Hex> {
    const code = await this.ask("eth_getCode", [address, "latest"]);
    const known = typeof code === "string" ? codeHashes.get(code) : undefined;
    if (known !== undefined) return known;
    const hash = toHex(keccak256(bytesOf(data("code", code))));
    if (codeHashes.size < MOST_CODES) codeHashes.set(code as string, hash);
    return hash;
  }

  /** Events of some contracts in the blocks first…last, in order of (block, log index). */
  async logs(addresses: readonly Hex[], first: number, last: number): Promise<readonly RawLog[]> {
    const filter = { address: addresses, fromBlock: tagOf(first), toBlock: tagOf(last) };
    const got = await this.ask("eth_getLogs", [filter]);
    if (!Array.isArray(got)) throw malformed("logs", got);
    return got.map(logOf).toSorted((a, b) => a.blockNumber - b.blockNumber || a.logIndex - b.logIndex);
  }

  /** What a view of a contract answers: its bytes. Throws RpcRefused when it reverts. */
  async call(to: Hex, signature: string, words: readonly (number | bigint | Uint8Array)[], tag: number | "latest"): Promise<Uint8Array> {
    const input = toHex(concat(bytesOf(toFunctionSelector(signature)), ...words.map(word)));
    return bytesOf(data("call", await this.ask("eth_call", [{ to, data: input }, tagOf(tag)])));
  }

  private send(): void {
    while (this.waiting.length && this.flying < ABREAST) {
      const sent = this.waiting.splice(0, this.batches ? BATCH : 1);
      this.flying += 1;
      void this.post(sent).finally(() => {
        this.flying -= 1;
        this.send();
      });
    }
  }

  private async post(sent: readonly Question[]): Promise<void> {
    const first = this.id + 1;
    this.id += sent.length;
    const asked = sent.map(({ method, params }, at) => ({ jsonrpc: "2.0", id: first + at, method, params }));
    try {
      const answer = await this.fetched(sent.length === 1 ? asked[0] : asked);
      if (sent.length > 1 && !Array.isArray(answer)) {
        this.batches = false;
        this.waiting.unshift(...sent);
        return;
      }
      this.deal(sent, first, Array.isArray(answer) ? answer : [answer]);
    } catch (error) {
      for (const question of sent) question.fail(this.unavailable(question.method, error));
    }
  }

  private deal(sent: readonly Question[], first: number, answers: readonly unknown[]): void {
    const byId = new Map(answers.map((one) => [object("answer", one)["id"], object("answer", one)]));
    for (const [at, { method, settle, fail }] of sent.entries()) {
      const answer = byId.get(first + at) ?? (sent.length === 1 ? object("answer", answers[0]) : undefined);
      if (answer === undefined) fail(new Unread("chain", `no answer to ${method}`));
      else if (answer["error"]) fail(refusalOf(method, answer["error"]));
      else if (!("result" in answer)) fail(malformed(method, answer));
      else settle(answer["result"]);
    }
  }

  private async fetched(body: unknown): Promise<unknown> {
    const response = await fetch(this.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      credentials: "omit",
    });
    if (!response.ok) throw new Unread("chain", `HTTP ${response.status} at ${this.url}`);
    return response.json();
  }

  private unavailable(method: string, error: unknown): unknown {
    if (error instanceof Unread) return error;
    const why = error instanceof Error ? error.message : String(error);
    return new Unread("chain", `rpc_unavailable: url=${this.url}, method=${method}, why=${why}`);
  }
}

function headerOf(fields: Readonly<Record<string, unknown>>): Header {
  return {
    number: quantity("number", fields["number"]),
    hash: data("hash", fields["hash"], 32),
    timestampS: quantity("timestamp", fields["timestamp"]),
    stateRoot: data("stateRoot", fields["stateRoot"], 32),
    raw: fields,
  };
}

function logOf(value: unknown): RawLog {
  const fields = object("log", value);
  const topics = fields["topics"];
  if (!Array.isArray(topics)) throw malformed("topics", topics);
  return {
    address: data("address", fields["address"], 20),
    topics: topics.map((topic) => data("topic", topic, 32)),
    data: data("data", fields["data"]),
    blockNumber: quantity("blockNumber", fields["blockNumber"]),
    blockHash: data("blockHash", fields["blockHash"], 32),
    txHash: data("transactionHash", fields["transactionHash"], 32),
    logIndex: quantity("logIndex", fields["logIndex"]),
  };
}

function refusalOf(method: string, error: unknown): unknown {
  if (typeof error !== "object" || error === null) return malformed(method, error);
  const { code, message } = error as Readonly<Record<string, unknown>>;
  return new RpcRefused(method, Number(code), String(message).slice(0, 200));
}

function object(what: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
  throw malformed(what, value);
}

function quantity(what: string, value: unknown): number {
  const number = typeof value === "string" && /^0x[0-9a-fA-F]+$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  throw malformed(what, value);
}

function data(what: string, value: unknown, size?: number): Hex {
  const bytes = typeof value === "string" ? fromHex(value) : null;
  if (bytes === null || (size !== undefined && bytes.length !== size)) throw malformed(what, value);
  return (value as string).toLowerCase() as Hex;
}

function malformed(what: string, value: unknown): Unread {
  return new Unread("chain", `rpc_malformed: what=${what}, value=${(JSON.stringify(value) ?? "nothing").slice(0, 80)}`);
}

function tagOf(tag: number | "latest"): string {
  return typeof tag === "number" ? `0x${tag.toString(16)}` : tag;
}
