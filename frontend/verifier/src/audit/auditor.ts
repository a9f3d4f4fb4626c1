/** A day audited from a chain and an archive alone (protocol 11): seven steps, the first divergence ends it. */

import { DAY_SLOT, dayFirstSlot, SLOTS_A_DAY } from "../calendar.ts";
import { judged } from "../error.ts";
import { checkIdentity } from "../chain/identity.ts";
import { type Facts, gather, type Progress } from "../chain/facts.ts";
import type { Rpc } from "../chain/rpc.ts";
import type { Deployment } from "../format/deployment.ts";
import type { Opener } from "../format/encryption.ts";
import type { Source } from "../sources/source.ts";
import { closingDays, type DayUse } from "../settlement/closing.ts";
import { dayUse } from "../settlement/day.ts";
import { BATTERY, type Hex, type Lease } from "../values.ts";
import { Blocks } from "./blocks.ts";
import { type Checkpoint, checkCheckpoints, dayEpochs, requireDayClosed } from "./checkpoints.ts";
import { checkDocuments, type Documents, documentsOf, readDocuments, seenAt } from "./documents.ts";
import { beaconsOf, EvidenceCheck, isUnread, type Scope, scopeOf } from "./evidence.ts";
import { checkWalk, Keyring } from "./keys.ts";
import { LogWalk, manifestOf } from "./manifests.ts";
import { earlyEndsOf, leasesOf, stationsOf } from "./members.ts";
import { checkState, stateSlots } from "./state.ts";
import { channelMeters, checkStatements, lastView, postedOf } from "./settlement.ts";
import { Unlocking } from "./unlocking.ts";
import { type Verdict, verdictOf } from "./verdict.ts";

/** So many epochs at least are asked for before they are checked, and so many at once, so that questions travel together. */
const AHEAD = 12;
const AT_ONCE = 24;
const FRAME_MS = 40;
const USE = "protocol 8.7.4: the use of leased capacity follows from schedules and batteries";

/** What an audit starts from; `depth` is how many blocks must stand above what counts. */
export interface Question {
  readonly rpc: Rpc;
  readonly archive: Source;
  readonly deployment: Deployment;
  readonly day: number;
  readonly depth: number;
  readonly opener: Opener | null;
  readonly progress: Progress;
}

/** Audit a day; whatever is found, or cannot be read, is in the verdict. */
export async function auditDay(question: Question): Promise<Verdict> {
  const audit = new Audit(question);
  let ended: unknown = null;
  try {
    await audit.run();
  } catch (error) {
    ended = error;
  }
  return verdictOf(question.day, ended, {
    chainId: question.deployment.chainId, head: audit.facts?.head ?? null, counts: audit.counts(),
  });
}

/** One audit under way: what was read and checked so far. */
class Audit {
  facts: Facts | null = null;
  private readonly blocks: Blocks;
  private readonly unlocking: Unlocking;
  private evidence: EvidenceCheck | null = null;
  private readonly pace = new Pace();
  private epochs = 0;
  private lines = 0;

  constructor(private readonly question: Question) {
    this.blocks = new Blocks(question.archive);
    this.unlocking = new Unlocking(question.opener);
  }

  async run(): Promise<void> {
    const { rpc, deployment, day, depth, progress } = this.question;
    await checkIdentity(rpc, deployment);
    progress("identity", 1, 1);
    const facts = await gather(rpc, deployment, { day, depth, progress, compared: (events) => stateSlots(events, day) });
    this.facts = facts;
    const found = checkCheckpoints(facts);
    checkWalk(facts);
    checkState(facts.events, facts.slots, day);
    requireDayClosed(facts, day);
    await this.settle(facts, found);
    this.unlocking.requireAll();
  }

  private async settle(facts: Facts, found: readonly Checkpoint[]): Promise<void> {
    const { day, progress } = this.question;
    const { blocks, unlocking } = this;
    await blocks.requireAny(found.map(({ manifest }) => manifest));
    const keyring = new Keyring(facts);
    const [posted, leases, earlyEnds] = [postedOf(facts, day), leasesOf(facts), earlyEndsOf(facts)];
    const needs = closingDays(leases, earlyEnds, day);
    const wanted = {
      day, lastSeen: lastView(posted, found, dayEpochs(facts, day).last), leased: new Set(leases.map(({ station }) => station)),
      batteryFrom: [...needs].find(([, deliveries]) => deliveries)?.[0] ?? null,
    };
    const scope = scopeOf(keyring, wanted);
    const { walk, evidence } = await this.walk(facts, keyring, found, scope);
    const first = Math.min(day, ...needs.keys());
    const shelf = await readDocuments(walk.logged, blocks, { first, unlocking, progress });
    const documents = documentsOf(shelf, day);
    checkDocuments(documents, facts, { day, settled: posted.length > 0, stations: stationsOf(facts, day), leases });
    const uses = new Uses({ keyring, evidence, shelf, leases, needs, checkpoints: found });
    const settling = {
      facts, keyring, checkpoints: found, logged: walk.logged, evidence, documents, day, blocks, unlocking,
      usesAt: (view: Checkpoint) => uses.at(view), usesUnread: usesUnread(evidence, scope, needs),
    };
    this.lines = await checkStatements(settling, posted, progress);
  }

  /** Rebuild the log epoch by epoch, and check the evidence of those behind the day. */
  private async walk(facts: Facts, keyring: Keyring, found: readonly Checkpoint[], scope: Scope) {
    const { deployment, day, progress } = this.question;
    const walk = new LogWalk(facts, keyring, this.blocks, day);
    const start = deployment.startEpoch + 1;
    const [first, firstWhole] = [Math.max(start, scope.firstEpoch), Math.max(start, scope.firstWhole)];
    const ahead = new Ahead(this.blocks, facts, found, (epoch) => epoch >= firstWhole && epoch <= scope.lastEpoch);
    let evidence = new EvidenceCheck(facts, keyring, this.blocks, this.unlocking, scope, walk.course());
    for (const [at, checkpoint] of found.entries()) {
      ahead.reach(at);
      const { epoch } = checkpoint;
      if (epoch === first) {
        evidence = new EvidenceCheck(facts, keyring, this.blocks, this.unlocking, scope, walk.course());
        this.evidence = evidence;
        await evidence.begin(walk.course(), scope.batteries);
      }
      if (epoch === firstWhole) await evidence.begin(walk.course(), scope.meters);
      const { made, entries } = await walk.add(checkpoint);
      if (epoch >= first && epoch <= scope.lastEpoch) await evidence.add(checkpoint, made, entries);
      this.epochs += 1;
      progress("log", this.epochs, found.length);
      await this.pace.breathe();
    }
    return { walk, evidence };
  }

  counts(): Verdict["counts"] {
    return {
      epochs: this.epochs, segments: this.evidence?.segments ?? 0, readings: this.evidence?.readings ?? 0,
      lines: this.lines, blocks: this.blocks.count, bytes: this.blocks.bytes,
    };
  }
}

/** The use of leased capacity on the days that a day closes with, each as seen a day after it or at a view (protocol 8.7.4). */
class Uses {
  constructor(
    private readonly given: {
      readonly keyring: Keyring;
      readonly evidence: EvidenceCheck;
      readonly shelf: Documents;
      readonly leases: readonly Lease[];
      readonly needs: ReadonlyMap<number, boolean>;
      readonly checkpoints: readonly Checkpoint[];
    },
  ) {}

  at(view: Checkpoint): ReadonlyMap<number, DayUse> {
    const uses = new Map<number, DayUse>();
    for (const [day, deliveries] of this.given.needs) {
      const last = Number(dayFirstSlot(day)) + 2 * SLOTS_A_DAY - 1;
      const seen = this.given.checkpoints.find(({ epoch }) => epoch === last && last <= view.epoch) ?? view;
      uses.set(day, judged(USE, { slot: DAY_SLOT }, () => this.of(day, seen, deliveries)));
    }
    return uses;
  }

  private of(day: number, view: Checkpoint, deliveries: boolean): DayUse {
    const { keyring, evidence, shelf, leases } = this.given;
    const { schedules } = seenAt(documentsOf(shelf, day), view.size);
    const batteries = channelMeters(keyring, evidence, { day, view, kind: BATTERY });
    return dayUse(day, { schedules, leases, batteries, deliveries });
  }
}

/** Whether a battery behind what closes with a day stayed unread. */
function usesUnread(evidence: EvidenceCheck, { batteries, day }: Scope, needs: ReadonlyMap<number, boolean>): boolean {
  const last = Number(dayFirstSlot(day)) + 2 * SLOTS_A_DAY - 1;
  return [...needs].some(
    ([one, deliveries]) => deliveries && [...batteries].some((stream) => isUnread(evidence.unread.get(stream) ?? [], one, last)),
  );
}

/** Asks for the blocks and headers of epochs before their turn comes; what it learns counts for nothing. */
class Ahead {
  private reached = 0;

  constructor(
    private readonly blocks: Blocks,
    private readonly facts: Facts,
    private readonly found: readonly Checkpoint[],
    private readonly reads: (epoch: number) => boolean,
  ) {}

  /** Be ahead of a place; nothing is asked before a whole round is due. */
  reach(place: number): void {
    if (this.reached >= place + AHEAD) return;
    const end = place + AHEAD + AT_ONCE;
    for (; this.reached < Math.min(end, this.found.length); this.reached += 1) {
      const checkpoint = this.found[this.reached];
      if (checkpoint) void this.glimpse(checkpoint);
    }
  }

  private async glimpse({ epoch, manifest }: Checkpoint): Promise<void> {
    const raw = await this.blocks.glimpse(manifest);
    if (raw === null) return;
    try {
      const made = manifestOf(raw);
      const wanted: Hex[] = [made.entries];
      const evidence = this.reads(epoch) ? made.rows.flatMap((row) => (row.evidence === null ? [] : [row.evidence])) : [];
      this.blocks.ahead([...wanted, ...evidence]);
      const asOf = Number(made.asOfBlock);
      if (asOf < this.facts.head.number) this.facts.headers.ahead([asOf, asOf + 1]);
      for (const digest of evidence) this.facts.headers.ahead(beaconsOf(await this.blocks.glimpse(digest), this.facts.head.number));
    } catch {
      return;
    }
  }
}

/** Lets the screen breathe now and then: a page that only computes cannot show how far it is. */
class Pace {
  private last = performance.now();

  async breathe(): Promise<void> {
    if (performance.now() - this.last < FRAME_MS) return;
    await new Promise((go) => setTimeout(go, 0));
    this.last = performance.now();
  }
}
