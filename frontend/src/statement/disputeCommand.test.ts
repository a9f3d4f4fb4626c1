/** A line's dispute names its leaf in the newest version; what cannot be disputed says why. */

import { expect, it } from "vitest";
import type { Line } from "../api/queries.ts";
import { disputable, disputeCommand } from "./disputeCommand.ts";

const posted = [
  { version: 1, leaf: 1_412, amountCents: "500" },
  { version: 2, leaf: 37, amountCents: "-20" },
];
const line = { kind: "energy_plan", posted } as unknown as Line;

it("takes the newest version's leaf while the window is open", () => {
  expect(disputable(line, 2, 1_000, 999_999)).toEqual({ can: true, leaf: 37 });
  expect(disputable(line, 2, null, 0)).toEqual({ can: true, leaf: 37 });
});

it("says why not", () => {
  expect(disputable(line, 3, 1_000, 0)).toEqual({ can: false, why: "notInNewest" });
  expect(disputable(line, 2, 1_000, 1_000_000)).toEqual({ can: false, why: "tooLate" });
  expect(disputable({ ...line, kind: "lease_sla" }, 2, null, 0)).toEqual({ can: false, why: "notJudged" });
});

it("fills the program's arguments in", () => {
  const place = { day: "2026-07-15", leaf: 37, rpcUrl: "http://127.0.0.1:8545", archive: "http://127.0.0.1:8080" };
  const asking =
    "alliance dispute 2026-07-15 --leaf 37 --rpc http://127.0.0.1:8545 --archive http://127.0.0.1:8080 --deployment deployment.json --key my.key";
  expect(disputeCommand(place)).toBe(asking);
  expect(disputeCommand(place, true)).toBe(`${asking} --wallet wallet.json`);
});
