/** The events that are decoded are those of the contracts as compiled, argument by argument. */

import { readdirSync, readFileSync } from "node:fs";
import type { AbiEvent } from "viem";
import { encodeAbiParameters, encodeEventTopics, toEventSelector } from "viem/utils";
import { expect, it } from "vitest";
import { decodeEvent, TOPICS } from "./events.ts";

const folder = new URL("../../../../contracts/artifacts/", import.meta.url);
const events = readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .flatMap((name) => (JSON.parse(readFileSync(new URL(name, folder), "utf-8")) as { abi: AbiEvent[] }).abi)
  .filter(({ type }) => type === "event");

it.each([...TOPICS])("%s is an event of the contracts: %s", (topic, name) => {
  expect(events.map((event) => [toEventSelector(event), event.name])).toContainEqual([topic, name]);
});

it("reads what another library encodes", () => {
  const event = events.find(({ name }) => name === "StatementPosted") as AbiEvent;
  const [root, statement] = [`0x${"11".repeat(32)}`, `0x${"22".repeat(32)}`] as const;
  const topics = encodeEventTopics({ abi: [event], eventName: "StatementPosted", args: { day: 20_000, version: 2 } } as never);
  const data = encodeAbiParameters(event.inputs.filter(({ indexed }) => !indexed), [root, 3, statement, [1, 2], [-5n, 5n]] as never);
  const log = { address: root, topics: topics as never, data, blockNumber: 1, blockHash: root, txHash: root, logIndex: 0 };
  const { args, name } = decodeEvent(log, 9) ?? { args: {}, name: "none" };
  expect(name).toBe("StatementPosted");
  expect(args).toEqual({ day: 20_000n, version: 2n, root, leafCount: 3n, statement, members: [1n, 2n], balancesCents: [-5n, 5n] });
});
