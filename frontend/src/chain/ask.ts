/** Questions to the contracts' views over the deployment's own node; null where it names none. */

import { createPublicClient, type Hex, http, keccak256, toBytes } from "viem";
import type { Deployment } from "../evidence/deployment.ts";
import { leaseAbi, registryAbi } from "./abi.ts";

export interface Amount {
  readonly powerW: bigint;
  readonly energyWh: bigint;
}

/** What a station's offers may reach together, and what those of a slot take. */
export async function askLeasable(
  deployment: Deployment | null,
  station: number,
  slot: number,
): Promise<{ readonly leasable: Amount; readonly offered: Amount } | null> {
  if (deployment === null || deployment.rpcUrl === null) return null;
  const node = createPublicClient({ transport: http(deployment.rpcUrl, { retryCount: 0 }) });
  const at = { address: deployment.contracts.CapacityLease.address, abi: leaseAbi } as const;
  const [leasable, offered] = await Promise.all([
    node.readContract({ ...at, functionName: "leasable", args: [station] }),
    node.readContract({ ...at, functionName: "offeredAt", args: [station, slot] }),
  ]);
  return { leasable: amount(leasable), offered: amount(offered) };
}

/** Whether an account holds a role of the registry, such as ADMITTER. */
export async function askRole(deployment: Deployment | null, role: string, account: Hex): Promise<boolean> {
  if (deployment === null || deployment.rpcUrl === null) return false;
  const node = createPublicClient({ transport: http(deployment.rpcUrl, { retryCount: 0 }) });
  const args = [keccak256(toBytes(role)), account] as const;
  return node.readContract({ address: deployment.contracts.AllianceRegistry.address, abi: registryAbi, functionName: "hasRole", args });
}

function amount([powerW, energyWh]: readonly [bigint, bigint]): Amount {
  return { powerW, energyWh };
}
