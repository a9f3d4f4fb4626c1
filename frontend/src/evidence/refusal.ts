/** Why evidence is refused: a code that names the fact, and its numbers. Screens turn it into a sentence. */

export type RefusalCode =
  | "receipt_malformed"
  | "version_unknown"
  | "deployment_malformed"
  | "foreign_chain"
  | "foreign_log"
  | "reading_size"
  | "reading_magic"
  | "reading_version"
  | "reading_flags"
  | "reading_outside_segment"
  | "reading_of_another_channel"
  | "proof_shape"
  | "segment_root"
  | "algorithm_unknown"
  | "signature_length"
  | "signature_high_s"
  | "signature_no_point"
  | "log_root"
  | "rpc_unreachable"
  | "rpc_refused"
  | "chain_id"
  | "genesis"
  | "code_missing"
  | "code_hash"
  | "checkpoint_missing"
  | "checkpoint_differs"
  | "checkpoint_shallow"
  | "device_not_enrolled"
  | "device_not_attested"
  | "key_not_confirmed"
  | "key_is_owner"
  | "key_expired"
  | "key_frozen"
  | "channel_not_bound"
  | "channel_kind_unknown";

export type Facts = Readonly<Record<string, string>>;

/** A refusal; `facts` carries what was wanted and what was got. */
export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly facts: Facts;

  constructor(code: RefusalCode, facts: Facts = {}) {
    super(`${code} ${JSON.stringify(facts)}`);
    this.name = "Refusal";
    this.code = code;
    this.facts = facts;
  }
}
