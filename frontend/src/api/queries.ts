/** What the views ask of the service, each question under one key; live values every few seconds, the rest less often. */

import { queryOptions } from "@tanstack/react-query";
import { answer, client, everyPage, type Schemas } from "./client.ts";
import { Problem } from "./problem.ts";
import { noteSession, sessionMayBeOpen } from "./sessionNote.ts";

const LIVE_MS = 5_000;
const SLOW_MS = 30_000;
const PAGE = 500;

export type Station = Schemas["StationAnswer"];
export type StationProfile = Schemas["StationProfileAnswer"];
export type MemberProfile = Schemas["MemberProfileAnswer"];
export type LiveStation = Schemas["LiveStation"];
export type CurveSlot = Schemas["CurveSlot"];
export type Tariff = Schemas["TariffAnswer"];
export type Device = Schemas["DeviceAnswer"];
export type Epoch = Schemas["EpochAnswer"];
export type Lease = Schemas["LeaseAnswer"];
export type Offer = Schemas["OfferAnswer"];
export type Settlement = Schemas["SettlementAnswer"];
export type Line = Schemas["LineAnswer"];
export type Figure = Schemas["FiguresAnswer"];
export type Reading = Schemas["ReadingAnswer"];
export type Who = Schemas["WhoAnswer"];
export type Charter = Schemas["CharterAnswer"];
export type Proposal = Schemas["ProposalAnswer"];
export type Application = Schemas["ApplicationAnswer"];
export type Member = Schemas["MemberAnswer"];
export type Reader = Schemas["ReaderAnswer"];
export type Deed = Schemas["ActAnswer"];
export type Directive = Schemas["DirectiveAnswer"];
export type DemoWallet = Schemas["DemoWallet"];

export const serviceQuery = queryOptions({
  queryKey: ["service"],
  queryFn: () => answer(client.GET("/v1/service")),
  refetchInterval: LIVE_MS,
});

export const stationsQuery = queryOptions({
  queryKey: ["stations"],
  queryFn: () =>
    everyPage((cursor) => answer(client.GET("/v1/stations", { params: { query: { limit: PAGE, ...at(cursor) } } }))),
  staleTime: SLOW_MS,
});

export const profilesQuery = queryOptions({
  queryKey: ["profiles"],
  queryFn: () => answer(client.GET("/v1/profiles")),
  staleTime: SLOW_MS,
});

export const liveQuery = queryOptions({
  queryKey: ["live"],
  queryFn: () => answer(client.GET("/v1/live")),
  refetchInterval: LIVE_MS,
});

export const devicesQuery = queryOptions({
  queryKey: ["devices"],
  queryFn: () =>
    everyPage((cursor) => answer(client.GET("/v1/devices", { params: { query: { limit: PAGE, ...at(cursor) } } }))),
  staleTime: SLOW_MS,
});

export const leasesQuery = queryOptions({
  queryKey: ["leases"],
  queryFn: () =>
    everyPage((cursor) => answer(client.GET("/v1/leases", { params: { query: { limit: PAGE, ...at(cursor) } } }))),
  staleTime: SLOW_MS,
  refetchInterval: SLOW_MS,
});

export const offersQuery = queryOptions({
  queryKey: ["offers"],
  queryFn: () =>
    everyPage((cursor) => answer(client.GET("/v1/offers", { params: { query: { limit: PAGE, ...at(cursor) } } }))),
  staleTime: SLOW_MS,
  refetchInterval: SLOW_MS,
});

/** How members decide and what they agreed for a day. */
export function charterQuery(day: string) {
  return queryOptions({
    queryKey: ["charter", day],
    queryFn: () => answer(client.GET("/v1/charter", { params: { query: { day } } })),
    refetchInterval: SLOW_MS,
  });
}

export const proposalsQuery = queryOptions({
  queryKey: ["proposals"],
  queryFn: () =>
    everyPage((cursor) => answer(client.GET("/v1/proposals", { params: { query: { limit: PAGE, ...at(cursor) } } }))),
  refetchInterval: SLOW_MS,
});

export const applicationsQuery = queryOptions({
  queryKey: ["applications"],
  queryFn: () =>
    everyPage((cursor) => answer(client.GET("/v1/applications", { params: { query: { limit: PAGE, ...at(cursor) } } }))),
  refetchInterval: SLOW_MS,
});

export const membersQuery = queryOptions({
  queryKey: ["members"],
  queryFn: () =>
    everyPage((cursor) => answer(client.GET("/v1/members", { params: { query: { limit: PAGE, ...at(cursor) } } }))),
  refetchInterval: SLOW_MS,
});

/** The rule packs that the service knows. */
export const packsQuery = queryOptions({
  queryKey: ["packs"],
  queryFn: () => answer(client.GET("/v1/rule-packs")),
  staleTime: SLOW_MS,
});

/** The newest epochs. */
export const epochsQuery = queryOptions({
  queryKey: ["epochs"],
  queryFn: async () => (await answer(client.GET("/v1/epochs", { params: { query: { limit: 12 } } }))).items,
  refetchInterval: SLOW_MS,
});

/** A day's schedules in the order in which they were made. */
export function schedulesQuery(day: string) {
  return queryOptions({
    queryKey: ["schedules", day],
    queryFn: () => answer(client.GET("/v1/schedules", { params: { query: { day } } })),
    refetchInterval: SLOW_MS,
  });
}

/** What came of the planner's runs for a day, and why. */
export function planRunsQuery(day: string) {
  return queryOptions({
    queryKey: ["plan-runs", day],
    queryFn: () => answer(client.GET("/v1/plan-runs", { params: { query: { day } } })),
    refetchInterval: SLOW_MS,
  });
}

export function allianceCurveQuery(day: string) {
  return queryOptions({
    queryKey: ["curve", day],
    queryFn: () => answer(client.GET("/v1/curve", { params: { query: { day } } })),
    refetchInterval: SLOW_MS,
  });
}

export function stationCurveQuery(station: number, day: string) {
  return queryOptions({
    queryKey: ["curve", day, station],
    queryFn: () =>
      answer(client.GET("/v1/stations/{station}/curve", { params: { path: { station }, query: { day } } })),
    refetchInterval: SLOW_MS,
  });
}

export function tariffQuery(day: string) {
  return queryOptions({
    queryKey: ["tariff", day],
    queryFn: () => answer(client.GET("/v1/tariff", { params: { query: { day } } })),
    staleTime: SLOW_MS,
  });
}

export const settlementsQuery = queryOptions({
  queryKey: ["settlements"],
  queryFn: async () => (await answer(client.GET("/v1/settlements", { params: { query: { limit: 100 } } }))).items,
  refetchInterval: SLOW_MS,
});

export function linesQuery(day: string, member: number) {
  return queryOptions({
    queryKey: ["lines", day, member],
    queryFn: ({ signal }) =>
      everyPage((cursor) =>
        answer(
          client.GET("/v1/settlements/{day}/lines", {
            params: { path: { day }, query: { limit: PAGE, ...at(cursor) } },
            signal,
          }),
        ),
      ),
  });
}

export function figuresQuery(day: string, member: number) {
  return queryOptions({
    queryKey: ["figures", day, member],
    queryFn: ({ signal }) =>
      answer(client.GET("/v1/settlements/{day}/figures", { params: { path: { day } }, signal })),
  });
}

/** A station's newest readings of one channel since an instant; its owner's alone. */
export function readingsQuery(station: number, channel: number, fromMs: number) {
  return queryOptions({
    queryKey: ["readings", station, channel, fromMs],
    queryFn: async ({ signal }) =>
      (
        await answer(
          client.GET("/v1/readings", { params: { query: { station, channel, from: fromMs, limit: 60 } }, signal }),
        )
      ).items,
  });
}

/** What dispatchers told a station's box last, and what it answered; for its owner and who dispatches. */
export function directivesQuery(station: number) {
  return queryOptions({
    queryKey: ["directives", station],
    queryFn: async ({ signal }) =>
      (await answer(client.GET("/v1/directives", { params: { query: { station, limit: 50 } }, signal }))).items,
    refetchInterval: LIVE_MS,
  });
}

/** The readers that can read something of the signed-in member's, and regulators. */
export const readersQuery = queryOptions({
  queryKey: ["readers"],
  queryFn: ({ signal }) => answer(client.GET("/v1/readers", { signal })),
  refetchInterval: SLOW_MS,
});

/** What was done about readers, the newest first. */
export const trailQuery = queryOptions({
  queryKey: ["trail"],
  queryFn: async ({ signal }) =>
    (
      await everyPage((cursor) =>
        answer(client.GET("/v1/readers/trail", { params: { query: { limit: PAGE, ...at(cursor) } }, signal })),
      )
    ).toReversed(),
});

/** Whether a question is answered to a signed-in member alone: such answers end with the session. */
export function isMembersOwn(query: { readonly queryKey: readonly unknown[] }): boolean {
  return ["lines", "figures", "readings", "directives", "readers", "trail"].includes(String(query.queryKey[0]));
}

/** Who is signed in; null for a stranger, who is not asked about at all when no session was opened here. */
export const whoQuery = queryOptions({
  queryKey: ["who"],
  queryFn: async (): Promise<Who | null> => {
    if (!sessionMayBeOpen()) return null;
    try {
      return await answer(client.GET("/v1/session"));
    } catch (error) {
      if (!(error instanceof Problem && error.status === 401)) throw error;
      noteSession(false);
      return null;
    }
  },
  staleTime: SLOW_MS,
});

/** The demo's wallets; none outside the demo on loopback. */
export const demoWalletsQuery = queryOptions({
  queryKey: ["demo-wallets"],
  queryFn: async (): Promise<readonly DemoWallet[]> => {
    try {
      return (await answer(client.GET("/v1/demo/wallets"))).wallets;
    } catch (error) {
      if (error instanceof Problem && error.status === 404) return [];
      throw error;
    }
  },
  staleTime: Infinity,
});

/** The deployment with which the service runs, as text; a verifier should pin its own copy. */
export const deploymentQuery = queryOptions({
  queryKey: ["deployment"],
  queryFn: async () => JSON.stringify(await answer(client.GET("/v1/deployment")), null, 2),
  staleTime: SLOW_MS,
});

/** The receipt of a reading, as text. Throws Problem. */
export async function receiptText(id: string): Promise<string> {
  const got = await answer(client.GET("/v1/readings/{name}/receipt", { params: { path: { name: id } } }));
  return JSON.stringify(got, null, 2);
}

function at(cursor: string | undefined): { cursor?: string } {
  return cursor === undefined ? {} : { cursor };
}
