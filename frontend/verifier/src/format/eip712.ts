/** EIP-712 digests of what is signed (protocol 1.5): one domain, bound to chain and `AllianceRegistry`. */

import { ascii, bytesOf, concat, keccak256, toHex, word } from "../bytes.ts";
import type { Hex } from "../values.ts";

const DOMAIN_TYPE = keccak256(
  ascii("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
);
const NAME = keccak256(ascii("StorageAlliance"));
const VERSION = keccak256(ascii("1"));
const PREFIX = Uint8Array.of(0x19, 0x01);

export const SEGMENT_TYPE = keccak256(
  ascii(
    "Segment(address device,uint16 channel,uint64 firstSeq,uint32 count,uint64 tFirst,uint64 tLast," +
      "bytes32 root,bytes32 prev,uint64 beaconBlock,bytes32 beaconHash)",
  ),
);
export const ACK_TYPE = keccak256(ascii("Ack(bytes32 segment,uint64 epoch)"));
export const ENROL_TYPE = keccak256(ascii("Enrol(address device,address owner,uint32 station,uint256 nonce,uint64 deadline)"));
export const ACCEPT_TYPE = keccak256(ascii("Accept(bytes32 schedule,uint64 firstPeriod,uint64 beaconBlock,bytes32 beaconHash)"));

/** Where signatures are valid: one chain, one `AllianceRegistry`. */
export interface Domain {
  readonly separator: Uint8Array;
  /** allianceId = keccak256(chainId ‖ AllianceRegistry), each one word. */
  readonly alliance: Hex;
}

export function domainOf(chainId: bigint, registry: Hex): Domain {
  const place = concat(word(chainId), word(bytesOf(registry)));
  return { separator: keccak256(DOMAIN_TYPE, NAME, VERSION, place), alliance: toHex(keccak256(place)) };
}

/** The EIP-712 digest of a struct whose members are all one word. */
export function typedDigest(domain: Domain, type: Uint8Array, ...words: readonly (number | bigint | Uint8Array)[]): Uint8Array {
  return keccak256(PREFIX, domain.separator, keccak256(type, ...words.map(word)));
}
