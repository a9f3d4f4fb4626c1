/** Step 1 (protocol 11.2, 5.6): the node serves the pinned chain and contracts, and nothing else. */

import { ascii, keccak256, toHex } from "../bytes.ts";
import { Diverged, RuleError, Unread } from "../error.ts";
import { CONTRACTS, type Deployment } from "../format/deployment.ts";
import { type Hex, ZERO_ADDRESS } from "../values.ts";
import { decodeAbi } from "./abi.ts";
import type { Rpc } from "./rpc.ts";

const RULE = "protocol 5.6: the chain is the pinned deployment";

/** Throw Diverged on another chain or contract, Unread for a log that continues another. */
export async function checkIdentity(rpc: Rpc, deployment: Deployment): Promise<void> {
  const { contracts } = deployment;
  const [chainId, genesis] = await Promise.all([rpc.chainId(), rpc.header(0)]);
  same("chain id", deployment.chainId, chainId);
  same("genesis", deployment.genesisHash, genesis?.hash ?? "none");
  const codes = await Promise.all(CONTRACTS.map((name) => rpc.codeHash(contracts[name].address)));
  for (const [at, name] of CONTRACTS.entries()) same(`code of ${name}`, contracts[name].codeHash, codes[at] ?? "none");
  await checkViews(rpc, deployment);
}

async function checkViews(rpc: Rpc, deployment: Deployment): Promise<void> {
  const { contracts, domain } = deployment;
  const [registry, log] = [contracts.AllianceRegistry.address, contracts.AnchorLog.address];
  const others = CONTRACTS.slice(1);
  const [separator, alliance, listed, epochSeconds, startEpoch, predecessor] = await Promise.all([
    view(rpc, registry, "domainSeparator()", ["bytes32"]),
    view(rpc, registry, "allianceId()", ["bytes32"]),
    Promise.all(others.map((name) => view(rpc, registry, "contractAt(bytes32,uint16)", ["address", "uint64"], keccak256(ascii(name)), 1))),
    view(rpc, log, "epochSeconds()", ["uint48"]),
    view(rpc, log, "startEpoch()", ["uint48"]),
    view(rpc, log, "predecessor()", ["address"]),
  ]);
  same("domain", toHex(domain.separator), separator);
  same("alliance", domain.alliance, alliance);
  for (const [at, name] of others.entries()) same(`listed ${name}`, contracts[name].address, listed[at] ?? "none");
  same("epoch seconds", deployment.epochSeconds, epochSeconds);
  same("start epoch", deployment.startEpoch, startEpoch);
  if (predecessor !== ZERO_ADDRESS) {
    throw new Unread("log", `it continues ${predecessor}, which this version does not read`);
  }
}

/** The first value that a view returns. */
async function view(
  rpc: Rpc,
  to: Hex,
  signature: string,
  types: readonly string[],
  ...words: readonly (number | Uint8Array)[]
): Promise<string> {
  const answer = await rpc.call(to, signature, words, "latest");
  try {
    return `${decodeAbi(types, answer)[0] as bigint | Hex}`;
  } catch (error) {
    if (error instanceof RuleError) throw new Unread("chain", `contract_silent: address=${to}, function=${signature}`);
    throw error;
  }
}

function same(what: string, want: bigint | number | string, got: bigint | number | string): void {
  if (`${want}` !== `${got}`) throw new Diverged(`${RULE} (${what})`, `${want}`, `${got}`, {});
}
