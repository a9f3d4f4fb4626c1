/** The pinned deployment (protocol 5.6): which chain and contracts a verifier trusts; never taken from a receipt. */

import { toHex } from "./bytes.ts";
import { Fields } from "./fields.ts";
import { Refusal } from "./refusal.ts";

export const CONTRACTS = [
  "AllianceRegistry",
  "Charter",
  "DeviceRegistry",
  "CapacityLease",
  "AnchorLog",
  "SettlementLedger",
  "MeterCourt",
  "PlanCourt",
  "MarketCourt",
  "BookCourt",
] as const;

export type ContractName = (typeof CONTRACTS)[number];

/** One contract: its address, first block, and Keccak-256 of its runtime code. */
export interface PinnedContract {
  readonly address: `0x${string}`;
  readonly block: bigint;
  readonly codeHash: `0x${string}`;
}

/** A chain and the alliance's contracts on it. */
export interface Deployment {
  readonly chainId: bigint;
  readonly genesisHash: `0x${string}`;
  readonly contracts: Readonly<Record<ContractName, PinnedContract>>;
  readonly epochSeconds: bigint;
  readonly startEpoch: bigint;
  /** A hint where the chain answers; trusted for nothing. */
  readonly rpcUrl: string | null;
}

/** Read a deployment's JSON text strictly. Throws Refusal. */
export function parseDeployment(text: string): Deployment {
  return deploymentOf(parseJson(text));
}

/** Read a deployment from its JSON value strictly. Throws Refusal. */
export function deploymentOf(value: unknown): Deployment {
  const fields = new Fields(value, "deployment", "deployment_malformed");
  const version = fields.int("v");
  if (version !== 1n) throw new Refusal("version_unknown", { want: "1", got: `${version}` });
  const listed = fields.map("contracts");
  const contracts = Object.fromEntries(CONTRACTS.map((name) => [name, contractOf(listed.map(name))]));
  listed.finish();
  const deployment = {
    chainId: fields.int("chainId"),
    genesisHash: toHex(fields.bytes("genesisHash", 32)),
    contracts: contracts as Record<ContractName, PinnedContract>,
    epochSeconds: fields.int("epochSeconds"),
    startEpoch: fields.int("startEpoch"),
    rpcUrl: fields.optionalText("rpcUrl"),
  };
  fields.finish();
  return deployment;
}

function contractOf(fields: Fields): PinnedContract {
  const contract = {
    address: toHex(fields.bytes("address", 20)),
    block: fields.int("block"),
    codeHash: toHex(fields.bytes("codeHash", 32)),
  };
  fields.finish();
  return contract;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Refusal("deployment_malformed", { where: "deployment", want: "JSON", got: String(error) });
  }
}
