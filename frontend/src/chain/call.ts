/** Calls that members make, as a contract's name and call data; integers with their units, nothing of screens. */

import { encodeFunctionData, type Hex } from "viem";
import type { ContractName } from "../evidence/deployment.ts";
import { charterAbi, leaseAbi, registryAbi } from "./abi.ts";

export interface Call {
  readonly contract: ContractName;
  readonly data: Hex;
}

/** An offer's terms in the order and units of the contract (protocol 7.2). */
export interface OfferTerms {
  readonly stationId: number;
  readonly powerW: bigint;
  readonly energyWh: bigint;
  readonly firstSlot: number;
  readonly termSlots: number;
  readonly etaCPpm: number;
  readonly etaDPpm: number;
  readonly rentCentsPerKwYear: bigint;
  readonly wearPrice: bigint;
  readonly handoverWh: bigint;
  readonly handoverPrice: bigint;
  readonly slaBp: number;
  readonly slaFactorBp: number;
  readonly priceVersion: number;
  readonly weekdayMask: number;
  readonly dayFirstSlot: number;
  readonly daySlots: number;
  readonly endNoticeSlots: number;
  readonly endFeeBp: number;
}

/** A part of an offer and when: what a lease takes, and what an amendment asks for. */
export interface Part {
  readonly powerW: bigint;
  readonly energyWh: bigint;
  readonly firstSlot: number;
  readonly termSlots: number;
}

function inLeases(data: Hex): Call {
  return { contract: "CapacityLease", data };
}

export function offerCapacity(terms: OfferTerms): Call {
  return inLeases(encodeFunctionData({ abi: leaseAbi, functionName: "offer", args: [terms] }));
}

export function withdrawOffer(offer: number): Call {
  return inLeases(encodeFunctionData({ abi: leaseAbi, functionName: "withdrawOffer", args: [offer] }));
}

export function takeOffer(offer: number, { powerW, energyWh, firstSlot, termSlots }: Part): Call {
  const args = [offer, powerW, energyWh, firstSlot, termSlots] as const;
  return inLeases(encodeFunctionData({ abi: leaseAbi, functionName: "accept", args }));
}

export function amendLease(lease: number, { powerW, energyWh, firstSlot, termSlots }: Part): Call {
  const args = [lease, powerW, energyWh, firstSlot, termSlots] as const;
  return inLeases(encodeFunctionData({ abi: leaseAbi, functionName: "amend", args }));
}

/** Ask for an early end at no price; it ends once both parties asked for the same slot. */
export function endTogether(lease: number, endSlot: number): Call {
  return inLeases(encodeFunctionData({ abi: leaseAbi, functionName: "endEarly", args: [lease, endSlot] }));
}

/** End alone, with the notice and at the price that the offer named. */
export function endAlone(lease: number, endSlot: number): Call {
  return inLeases(encodeFunctionData({ abi: leaseAbi, functionName: "endAlone", args: [lease, endSlot] }));
}

function inRegistry(data: Hex): Call {
  return { contract: "AllianceRegistry", data };
}

export function applyForMembership(commitment: Hex): Call {
  return inRegistry(encodeFunctionData({ abi: registryAbi, functionName: "applyForMembership", args: [commitment] }));
}

export function withdrawApplication(): Call {
  return inRegistry(encodeFunctionData({ abi: registryAbi, functionName: "withdrawApplication" }));
}

export function admit(applicant: Hex): Call {
  return inRegistry(encodeFunctionData({ abi: registryAbi, functionName: "admit", args: [applicant] }));
}

export function reject(applicant: Hex, reasonHash: Hex): Call {
  return inRegistry(encodeFunctionData({ abi: registryAbi, functionName: "reject", args: [applicant, reasonHash] }));
}

export function suspend(member: Hex): Call {
  return inRegistry(encodeFunctionData({ abi: registryAbi, functionName: "suspend", args: [member] }));
}

export function reinstate(member: Hex): Call {
  return inRegistry(encodeFunctionData({ abi: registryAbi, functionName: "reinstate", args: [member] }));
}

function inCharter(data: Hex): Call {
  return { contract: "Charter", data };
}

/** Propose that the charter make a call; `target` is the called contract's address. */
export function propose(target: Hex, call: Call, descriptionHash: Hex): Call {
  const args = [target, call.data, descriptionHash] as const;
  return inCharter(encodeFunctionData({ abi: charterAbi, functionName: "propose", args }));
}

export function vote(proposal: bigint, inFavour: boolean): Call {
  return inCharter(encodeFunctionData({ abi: charterAbi, functionName: "vote", args: [proposal, inFavour] }));
}

export function objectTo(proposal: bigint): Call {
  return inCharter(encodeFunctionData({ abi: charterAbi, functionName: "object", args: [proposal] }));
}

export function takeBack(proposal: bigint): Call {
  return inCharter(encodeFunctionData({ abi: charterAbi, functionName: "cancel", args: [proposal] }));
}

export function execute(proposal: bigint, data: Hex): Call {
  return inCharter(encodeFunctionData({ abi: charterAbi, functionName: "execute", args: [proposal, data] }));
}

export function setValue(name: Hex, fromDay: number, value: bigint): Call {
  return inCharter(encodeFunctionData({ abi: charterAbi, functionName: "setValue", args: [name, fromDay, value] }));
}

export function setPack(kind: Hex, fromDay: number, packHash: Hex): Call {
  return inCharter(encodeFunctionData({ abi: charterAbi, functionName: "setPack", args: [kind, fromDay, packHash] }));
}
