/**
 * One of several processes leads: a Lease says which. Expiry is judged by how long the Lease has not been seen to change,
 * never by the times written in it, so clocks may differ; only their speed may not.
 *
 * A lease is not a fence: a process that was paused believes for a moment that it still leads. What makes that harmless is
 * that nothing is created outside before a version-checked write (specs/005).
 *
 * @see https://github.com/kubernetes/client-go/blob/master/tools/leaderelection/leaderelection.go
 */
import { isApiError } from "../store/resource-client.ts";
import type { KubernetesObject, ResourceClient, ResourceType } from "../store/resource-client.ts";
import type { Clock, Random } from "./clock.ts";
import { withDeadline } from "./deadline.ts";
import { errorText } from "./errors.ts";
import type { Tracker } from "./tracker.ts";

/** coordination.k8s.io/v1 Lease as the API serves it. */
export const leaseType: ResourceType = Object.freeze({
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  plural: "leases",
  namespaced: true,
});

interface Lease extends KubernetesObject {
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
    [field: string]: unknown;
  };
}

export interface LeaderElectionOptions {
  /** Best with connections of its own, so that nothing else can hold a renewal up. */
  client: ResourceClient;
  clock: Clock;
  random: Random;
  tracker: Tracker;
  namespace: string;
  /** Of the Lease; also the label of `leader_election_master_status`. */
  name: string;
  /** Unique for each process, e.g. `<pod>_<uuid>`. */
  identity: string;
  /** What others may know about who leads, as annotations of the Lease. Default: none */
  annotations?: Readonly<Record<string, string>> | undefined;
  /** Milliseconds without a change after which the Lease is anybody's. Default 15,000 */
  leaseDuration?: number | undefined;
  /** Milliseconds after the last renewal at which the leader gives up. Default 10,000 */
  renewDeadline?: number | undefined;
  /** Milliseconds between two tries. Default 2,000 */
  retryPeriod?: number | undefined;
}

export interface LeaderElection {
  /** Whether this process leads, as far as it can know. */
  readonly leads: boolean;
  /** The Lease as last seen: who leads, and what it says about itself. */
  readonly lease:
    | { readonly holder: string; readonly annotations: Readonly<Record<string, string>> }
    | undefined;
  /** Tries until this process leads. @throws the signal's reason */
  acquire(signal: AbortSignal): Promise<void>;
  /** Renews for as long as that succeeds. Resolves when the lease is lost, or the signal is aborted. */
  keep(signal: AbortSignal): Promise<void>;
  /** Lets the next one lead at once, if this process leads. Never throws: what fails here expires by itself. */
  release(): Promise<void>;
}

/** client-go: a leader that renews this many periods late has not lost the lease yet. */
const LATENESS = 1.2;
/**
 * Candidates wait between one and 1.2 periods, so that they do not try together. In client-go it is up to 2.2, and then a
 * renewal may be seen 4.4 seconds late, which the next leader has to wait for besides the lease's duration.
 */
const JITTER = 0.2;
/** Candidates that wait for the same moment do not try in the same millisecond. */
const SPREAD = 500;
/** A released lease is nobody's; the duration must be positive all the same. */
const RELEASED_SECONDS = 1;

/** @throws RangeError unless leaseDuration > renewDeadline > retryPeriod * 1.2 */
export function createLeaderElection(options: LeaderElectionOptions): LeaderElection {
  return new LeaseElection(options);
}

class LeaseElection implements LeaderElection {
  readonly #options: LeaderElectionOptions;
  readonly #leaseDuration: number;
  readonly #renewDeadline: number;
  readonly #retryPeriod: number;
  #seen: Lease | undefined;
  /** Monotonic time at which the Lease was last seen to change. */
  #changedAt = Number.NEGATIVE_INFINITY;
  /** Monotonic time at which the last successful renewal began; undefined while somebody else leads. */
  #renewedAt: number | undefined;
  #lastProblem: string | undefined;

  constructor(options: LeaderElectionOptions) {
    const { leaseDuration = 15_000, renewDeadline = 10_000, retryPeriod = 2_000 } = options;
    if (leaseDuration <= renewDeadline || renewDeadline <= retryPeriod * LATENESS) {
      throw new RangeError(
        "leader election needs leaseDuration > renewDeadline > 1.2 * retryPeriod, such as 15 s, 10 s and 2 s",
      );
    }
    this.#options = options;
    this.#leaseDuration = leaseDuration;
    this.#renewDeadline = renewDeadline;
    this.#retryPeriod = retryPeriod;
    options.tracker.leading(options.name, false);
  }

  get leads(): boolean {
    const { clock } = this.#options;
    return this.#renewedAt !== undefined && clock.monotonic() - this.#renewedAt < this.#renewDeadline;
  }

  get lease(): LeaderElection["lease"] {
    const holder = this.#seen?.spec?.holderIdentity ?? "";
    return holder === "" ? undefined : { holder, annotations: this.#seen?.metadata.annotations ?? {} };
  }

  async acquire(signal: AbortSignal): Promise<void> {
    const { clock, identity, name, random, tracker } = this.#options;
    let known: string | undefined;
    while (!(await this.#try(this.#renewDeadline, signal))) {
      const holder = this.lease?.holder;
      if (holder !== undefined && holder !== known)
        tracker.log.info("another process leads", { lease: name, holder });
      known = holder;
      // Not a period after the lease ran out, but then: a killed leader is followed within 20 seconds.
      const usual = this.#retryPeriod * (1 + JITTER * random.next());
      const left = this.#validFor();
      await clock.sleep(left > 0 ? Math.min(usual, left + SPREAD * random.next()) : usual, signal);
    }
    tracker.leading(name, true);
    tracker.log.info("this process leads", { lease: name, identity });
    this.#announce(`${identity} became leader`);
  }

  async keep(signal: AbortSignal): Promise<void> {
    const { clock, identity, name, tracker } = this.#options;
    while (this.#renewedAt !== undefined && !signal.aborted) {
      const left = this.#renewedAt + this.#renewDeadline - clock.monotonic();
      if (left <= 0) {
        this.#renewedAt = undefined;
        break;
      }
      await clock.sleep(Math.min(this.#retryPeriod, left), signal).catch(() => undefined);
      if (signal.aborted) return;
      const until = this.#renewedAt + this.#renewDeadline - clock.monotonic();
      if (until > 0) await this.#try(until, signal).catch(() => false);
      if (signal.aborted) return;
    }
    if (signal.aborted) return;
    tracker.leading(name, false);
    tracker.log.error("the lease is lost", { lease: name, identity, holder: this.lease?.holder });
    this.#announce(`${identity} stopped leading`);
  }

  async release(): Promise<void> {
    const { clock, identity, name, tracker } = this.#options;
    if (this.#renewedAt === undefined) return;
    this.#renewedAt = undefined;
    tracker.leading(name, false);
    try {
      await withDeadline({ clock, milliseconds: this.#retryPeriod }, (signal) => this.#handOver(signal));
      tracker.log.info("the lease is released", { lease: name, identity });
    } catch (error) {
      tracker.log.warn("the lease was not released; it expires by itself", { lease: name, error });
    }
  }

  async #handOver(signal: AbortSignal): Promise<void> {
    // Read again: a renewal that was broken off may have arrived all the same.
    const lease = await this.#read(signal);
    if (lease?.spec?.holderIdentity !== this.#options.identity) return;
    const now = this.#now();
    const free = {
      holderIdentity: "",
      leaseDurationSeconds: RELEASED_SECONDS,
      acquireTime: now,
      renewTime: now,
    };
    this.#observe(
      await this.#options.client.update<Lease>(
        leaseType,
        { ...lease, spec: { ...lease.spec, ...free } },
        {},
        signal,
      ),
    );
  }

  /** One try to lead, or to go on leading. @returns whether this process leads now; a failure is logged and is a no */
  async #try(milliseconds: number, signal: AbortSignal): Promise<boolean> {
    const { clock, name, tracker } = this.#options;
    // Half of the deadline for each, so that one request that hangs does not lose the lease (controller-runtime).
    const limit = Math.min(milliseconds, Math.max(1_000, this.#renewDeadline / 2));
    const began = clock.monotonic();
    try {
      const leads = await withDeadline(
        { clock, milliseconds: limit },
        (limited) => this.#attempt(limited),
        signal,
      );
      this.#lastProblem = undefined;
      if (leads) this.#renewedAt = began;
      return leads;
    } catch (error) {
      signal.throwIfAborted();
      const problem = errorText(error);
      if (problem !== this.#lastProblem) {
        tracker.log.warn("the lease cannot be read or written; trying again", { lease: name, error });
      }
      this.#lastProblem = problem;
      return false;
    }
  }

  async #attempt(signal: AbortSignal): Promise<boolean> {
    const { identity } = this.#options;
    if (this.#renewedAt !== undefined && this.#seen !== undefined) {
      try {
        // What was written last is what is there, as long as we lead.
        await this.#write(this.#seen, signal);
        return true;
      } catch (error) {
        if (!isApiError(error, "Conflict") && !isApiError(error, "NotFound")) throw error;
      }
    }
    const lease = await this.#read(signal);
    if (lease === undefined) return this.#create(signal);
    if (lease.spec?.holderIdentity !== identity) {
      this.#renewedAt = undefined;
      if (this.#validFor() > 0) return false;
    }
    try {
      await this.#write(lease, signal);
      return true;
    } catch (error) {
      // Somebody else was faster.
      if (isApiError(error, "Conflict")) return false;
      throw error;
    }
  }

  async #read(signal: AbortSignal): Promise<Lease | undefined> {
    const { client, name, namespace } = this.#options;
    try {
      const lease = await client.get<Lease>(leaseType, { namespace, name }, signal);
      this.#observe(lease);
      return lease;
    } catch (error) {
      if (isApiError(error, "NotFound")) return undefined;
      throw error;
    }
  }

  /** Milliseconds for which the Lease is still its holder's; 0 for one that nobody holds, infinite before it was seen. */
  #validFor(): number {
    if (this.#seen === undefined) return Number.POSITIVE_INFINITY;
    const { holderIdentity = "", leaseDurationSeconds = this.#leaseDuration / 1000 } = this.#seen.spec ?? {};
    if (holderIdentity === "") return 0;
    return Math.max(0, this.#changedAt + leaseDurationSeconds * 1000 - this.#options.clock.monotonic());
  }

  /** Whatever changes the Lease shows that somebody is alive. */
  #observe(lease: Lease): void {
    const before = this.#seen?.metadata;
    const { resourceVersion, uid } = lease.metadata;
    if (before?.resourceVersion !== resourceVersion || before?.uid !== uid)
      this.#changedAt = this.#options.clock.monotonic();
    this.#seen = lease;
  }

  async #create(signal: AbortSignal): Promise<boolean> {
    const { client, name, namespace } = this.#options;
    const now = this.#now();
    const lease: Lease = {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name, namespace, ...this.#metadata({}) },
      spec: { ...this.#claim(now), acquireTime: now, leaseTransitions: 0 },
    };
    try {
      this.#observe(await client.create(leaseType, lease, {}, signal));
      return true;
    } catch (error) {
      if (isApiError(error, "AlreadyExists")) return false;
      throw error;
    }
  }

  /** Takes the Lease, or renews it; only if it is as it was read. */
  async #write(lease: Lease, signal: AbortSignal): Promise<void> {
    const { client, identity } = this.#options;
    const { holderIdentity, leaseTransitions = 0 } = lease.spec ?? {};
    const now = this.#now();
    const taken =
      holderIdentity === identity ? {} : { acquireTime: now, leaseTransitions: leaseTransitions + 1 };
    const metadata = { ...lease.metadata, ...this.#metadata(lease.metadata.annotations ?? {}) };
    const spec = { ...lease.spec, ...this.#claim(now), ...taken };
    this.#observe(await client.update<Lease>(leaseType, { ...lease, metadata, spec }, {}, signal));
  }

  #claim(now: string): NonNullable<Lease["spec"]> {
    return {
      holderIdentity: this.#options.identity,
      leaseDurationSeconds: Math.ceil(this.#leaseDuration / 1000),
      renewTime: now,
    };
  }

  #metadata(annotations: Readonly<Record<string, string>>): { annotations?: Record<string, string> } {
    const all = { ...annotations, ...this.#options.annotations };
    return Object.keys(all).length === 0 ? {} : { annotations: all };
  }

  /** A `metav1.MicroTime`; for people to read. */
  #now(): string {
    return new Date(this.#options.clock.now()).toISOString().replace("Z", "000Z");
  }

  #announce(message: string): void {
    if (this.#seen === undefined) return;
    this.#options.tracker.event(this.#seen, { type: "Normal", reason: "LeaderElection", message });
  }
}
