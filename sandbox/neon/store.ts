import type { SandboxContext } from "../core/provider.ts";
import type {
  BranchRecord,
  DatabaseRecord,
  EndpointRecord,
  OperationRecord,
  ProjectRecord,
  RoleRecord,
} from "./records.ts";

interface Stored<Value> {
  now: Value | null;
  /** Older values, oldest first, each shown to lagging readers until its time. */
  past: { until: number; value: Value | null }[];
}

/** One kind of record in one scope; `get`/`all` tell the truth, `seen`/`allSeen` what a reader sees under read-after-write lag. */
interface Table<Value> {
  get(key: string): Value | undefined;
  seen(key: string): Value | undefined;
  set(key: string, value: Value): void;
  delete(key: string): void;
  all(): Value[];
  allSeen(): Value[];
}

/** The tables of Neon's world. Scopes keep every look-up independent of how much else exists. */
export interface NeonStore {
  projects: Table<ProjectRecord>;
  branches(projectId: string): Table<BranchRecord>;
  endpoints(projectId: string): Table<EndpointRecord>;
  operations(projectId: string): Table<OperationRecord>;
  roles(branchId: string): Table<RoleRecord>;
  databases(branchId: string): Table<DatabaseRecord>;
  /** Which project an endpoint belongs to: connections name nothing else. */
  endpointProjects: Table<string>;
  /** Ids that project listings report as `unavailable_project_ids`. */
  unavailable: Table<string>;
  nextDatabaseId(): number;
}

/** @param context the sandbox whose storage, clock and lag rules (`project`, `branch`, `endpoint`, `role`, `database`) apply */
export function createStore(context: SandboxContext): NeonStore {
  const { clock, faults, storage } = context;
  const tables = new Map<string, Table<unknown>>();
  const table = <Value>(kind: string, scope = ""): Table<Value> => {
    const name = scope === "" ? `neon/${kind}` : `neon/${kind}/${scope}`;
    const known = tables.get(name);
    if (known) return known as Table<Value>;
    const collection = storage.collection<Stored<Value>>(name);
    const write = (key: string, value: Value | null): void => {
      const lag = faults.lag("neon", kind);
      const stored = collection.get(key);
      const past = (stored?.past ?? []).filter((entry) => entry.until > clock.now());
      if (lag > 0) past.push({ until: clock.now() + lag, value: stored?.now ?? null });
      if (value === null && past.length === 0) collection.delete(key);
      else collection.set(key, { now: value, past });
    };
    const visible = (stored: Stored<Value> | undefined): Value | undefined => {
      const stale = stored?.past.find((entry) => entry.until > clock.now());
      return (stale ? stale.value : stored?.now) ?? undefined;
    };
    const present = (value: Value | null | undefined): value is Value =>
      value !== null && value !== undefined;
    const created: Table<Value> = {
      get: (key) => collection.get(key)?.now ?? undefined,
      seen: (key) => visible(collection.get(key)),
      set: write,
      delete: (key) => write(key, null),
      all: () =>
        collection
          .values()
          .map((stored) => stored.now)
          .filter(present),
      allSeen: () => collection.values().map(visible).filter(present),
    };
    tables.set(name, created);
    return created;
  };
  const counters = storage.collection<number>("neon/counter");
  return {
    projects: table("project"),
    branches: (projectId) => table("branch", projectId),
    endpoints: (projectId) => table("endpoint", projectId),
    operations: (projectId) => table("operation", projectId),
    roles: (branchId) => table("role", branchId),
    databases: (branchId) => table("database", branchId),
    endpointProjects: table("endpoint-project"),
    unavailable: table("unavailable"),
    nextDatabaseId: () => {
      const next = (counters.get("database") ?? 1_000_000) + 1;
      counters.set("database", next);
      return next;
    },
  };
}
