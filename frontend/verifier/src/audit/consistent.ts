/** A statement judged by itself (protocol 8.9.1): its order, bookings, running sums and balances follow from its own leaves. */

import { RuleError } from "../error.ts";
import { same } from "../settlement/same.ts";
import { assemble, type Statement } from "../settlement/statement.ts";
import { fieldsText } from "./documents.ts";

const KINDS = [
  ["quantities", "quantities"], ["slot_totals", "slotTotals"], ["lines", "lines"], ["entries", "entries"],
  ["weights", "weights"], ["balances", "balances"],
] as const;

/** Throws RuleError leaf_contradicts with the first leaf that is wrong; says nothing about whether the lines are right. */
export function checkConsistent(statement: Statement): void {
  const again = assemble(statement.heading, statement);
  for (const [kind, field] of KINDS) {
    const [want, got]: readonly [readonly unknown[], readonly unknown[]] = [again[field], statement[field]];
    const index = want.findIndex((leaf, at) => !same(leaf, got[at]));
    if (index >= 0 || want.length !== got.length) {
      const at = index >= 0 ? index : want.length;
      throw contradicts(kind, at, fieldsText(want[at]), fieldsText(got[at]));
    }
  }
  if (!statement.heading.deltas) checkRunningTotals(statement);
}

function checkRunningTotals({ quantities, slotTotals }: Statement): void {
  const net = new Map(quantities.map(({ station, slot, netWh }) => [`${station}/${slot}`, netWh]));
  let [imports, exports] = [0n, 0n];
  for (const [index, total] of slotTotals.entries()) {
    if (total.position === 0) [imports, exports] = [0n, 0n];
    const energy = net.get(`${total.station}/${total.slot}`) ?? 0n;
    const want = [imports + (energy < 0n ? -energy : 0n), exports + (energy > 0n ? energy : 0n)];
    [imports, exports] = [total.importsWh, total.exportsWh];
    if (want[0] !== imports || want[1] !== exports) {
      throw contradicts("slot_totals", index, want.join(), `${imports},${exports}`);
    }
  }
}

function contradicts(kind: string, index: number, want: string, got: string): RuleError {
  return new RuleError("leaf_contradicts", { kind, index, want, got });
}
