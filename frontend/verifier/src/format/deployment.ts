/** The pinned deployment (protocol 5.6): which chain and contracts a verifier trusts; never from a receipt, archive or service. */

import { CONTRACTS } from "../../../src/evidence/deployment.ts";
import { bytesOf, keccak256, toHex, word } from "../bytes.ts";
import { Fields } from "../fields.ts";
import type { Hex } from "../values.ts";
import { type Domain, domainOf } from "./eip712.ts";
import { hexField, parseJson } from "./json.ts";

export { CONTRACTS };
export type ContractName = (typeof CONTRACTS)[number];

/** One contract: its address, first block, and Keccak-256 of its runtime code. */
export interface PinnedContract {
  readonly address: Hex;
  readonly block: number;
  readonly codeHash: Hex;
}

/** A chain and the alliance's contracts on it. */
export interface Deployment {
  readonly chainId: bigint;
  readonly genesisHash: Hex;
  readonly contracts: Readonly<Record<ContractName, PinnedContract>>;
  readonly epochSeconds: number;
  /** The last epoch before the log's first. */
  readonly startEpoch: number;
  readonly domain: Domain;
  /** Identity of the log in manifests: keccak256(allianceId ‖ AnchorLog address as a word). */
  readonly log: Hex;
  /** A hint where the chain answers; trusted for nothing. */
  readonly rpcUrl: string | null;
}

/** Read a deployment's JSON strictly. Throws RuleError plain_malformed or bad_hex. */
export function parseDeployment(text: string): Deployment {
  const fields = new Fields(parseJson(text, "deployment"), "deployment");
  fields.small("v", 1, 1);
  const listed = fields.map("contracts");
  const chainId = fields.int("chainId");
  const genesisHash = hexField(fields, "genesisHash", 32);
  const contracts = Object.fromEntries(CONTRACTS.map((name) => [name, contractOf(listed.map(name))])) as Deployment["contracts"];
  const [epochSeconds, startEpoch] = [fields.small("epochSeconds", 1), fields.small("startEpoch", 0, Number.MAX_SAFE_INTEGER)];
  listed.finish();
  const rpcUrl = fields.has("rpcUrl") && fields.optional("rpcUrl") ? fields.str("rpcUrl") : null;
  fields.finish();
  const domain = domainOf(chainId, contracts.AllianceRegistry.address);
  const log = toHex(keccak256(bytesOf(domain.alliance), word(bytesOf(contracts.AnchorLog.address))));
  return { chainId, genesisHash, contracts, epochSeconds, startEpoch, domain, log, rpcUrl };
}

function contractOf(fields: Fields): PinnedContract {
  const contract = {
    address: hexField(fields, "address", 20),
    block: fields.small("block", 0, Number.MAX_SAFE_INTEGER),
    codeHash: hexField(fields, "codeHash", 32),
  };
  fields.finish();
  return contract;
}
