/** The API between one process and the store: latency, refusals, and watches that lag, break or fall silent. */
import { ApiError } from "../../controller/store/resource-client.ts";
import type {
  KubernetesObject,
  ResourceClient,
  ResourceType,
  WatchEvent,
  WatchOptions,
} from "../../controller/store/resource-client.ts";
import type { EmbeddedStore } from "../../controller/store/embedded/index.ts";
import type { Faults, WriteFate } from "./faults.ts";
import type { Kernel } from "./kernel.ts";

interface Caller {
  readonly name: string;
  readonly alive: boolean;
  /** Aborted when the process is gone. */
  readonly gone: AbortSignal;
  kill(why: string): void;
}

/** A write as it left the process. */
export interface Write {
  process: string;
  verb: string;
  kind: string;
  object: string;
}

export interface StoreBoundaryOptions {
  kernel: Kernel;
  store: EmbeddedStore;
  faults: Faults;
  /** Decides for one write more than the plan does. */
  fate?: ((write: Write, drawn: WriteFate) => WriteFate) | undefined;
  /** Told before a write is stored. */
  onWrite?: ((write: Write, parameters: readonly unknown[]) => void) | undefined;
  /** Told after a write was stored, with what the store answered. */
  onWritten?: ((write: Write, answer: unknown) => void) | undefined;
}

const reads = new Set(["get", "list"]);
const writes = new Set(["create", "update", "updateStatus", "apply", "patch", "patchStatus", "delete"]);

const never = <T>(): Promise<T> => new Promise(() => undefined);

function unavailable(): ApiError {
  return new ApiError({
    code: 503,
    reason: "ServiceUnavailable",
    message: "the server is currently unable to handle the request",
  });
}

function conflict({ kind, object }: Write): ApiError {
  return new ApiError({
    code: 409,
    reason: "Conflict",
    message: `Operation cannot be fulfilled on ${kind} "${object}": the object has been modified; please apply your changes to the latest version and try again`,
  });
}

/** A ResourceClient as one process has it. */
export function storeOf(caller: Caller, options: StoreBoundaryOptions): ResourceClient {
  const { faults, kernel, store } = options;
  const wait = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => {
      kernel.after(milliseconds, () => {
        if (caller.alive) resolve();
      });
    });
  const perform = (verb: string, parameters: readonly unknown[]): Promise<unknown> =>
    kernel.operation(() =>
      Promise.resolve(
        Reflect.apply(Reflect.get(store, verb) as (...all: readonly unknown[]) => unknown, store, parameters),
      ),
    );
  /** A signal would call back what is on its way: the process only stops waiting for it. */
  const withoutSignal = (parameters: readonly unknown[]): unknown[] =>
    parameters.map((parameter) => (parameter instanceof AbortSignal ? undefined : parameter));

  const read = async (verb: string, parameters: readonly unknown[]): Promise<unknown> => {
    if (!caller.alive) return never();
    const fate = faults.write();
    await wait(fate.there);
    if (fate.refused === "unavailable") throw unavailable();
    const answer = await perform(verb, withoutSignal(parameters)).then(
      (value) => () => value,
      (error: unknown) => (): never => {
        throw error;
      },
    );
    await wait(fate.back);
    return answer();
  };

  const write = async (verb: string, parameters: readonly unknown[]): Promise<unknown> => {
    if (!caller.alive) return never();
    const [type, target] = parameters as [ResourceType, KubernetesObject & { name?: string }];
    const named: Write = {
      process: caller.name,
      verb,
      kind: type.kind,
      object:
        verb === "patch" || verb === "patchStatus" || verb === "delete"
          ? (target.name ?? "")
          : target.metadata.name,
    };
    const drawn = faults.write();
    const fate = options.fate?.(named, drawn) ?? drawn;
    if (fate.crash === "before") {
      caller.kill(`before ${verb} ${named.kind} ${named.object}`);
      return never();
    }
    const dies = fate.crash === "after";
    return new Promise<unknown>((resolve, reject) => {
      const answer = (settle: () => void): void =>
        void kernel.after(fate.back, () => {
          if (caller.alive) settle();
        });
      const arrive = async (): Promise<void> => {
        if (fate.refused !== undefined) {
          const error = fate.refused === "conflict" ? conflict(named) : unavailable();
          answer(() => reject(error));
          return;
        }
        options.onWrite?.(named, parameters);
        try {
          const stored = await perform(verb, withoutSignal(parameters));
          kernel.trace(`${caller.name} store ${verb} ${named.kind} ${named.object} = ${versionOf(stored)}`);
          options.onWritten?.(named, stored);
          if (dies) caller.kill(`after ${verb} ${named.kind} ${named.object}`);
          answer(() => (fate.lost === true ? reject(unavailable()) : resolve(stored)));
        } catch (error) {
          kernel.trace(
            `${caller.name} store ${verb} ${named.kind} ${named.object} = ${error instanceof ApiError ? error.reason : "failed"}`,
          );
          if (dies) caller.kill(`after ${verb} ${named.kind} ${named.object}`);
          answer(() => reject(error));
        }
      };
      kernel.after(fate.there, () => void arrive());
    });
  };

  return new Proxy(store, {
    get: (target, property) => {
      const verb = String(property);
      if (reads.has(verb)) return (...parameters: unknown[]) => read(verb, parameters);
      if (writes.has(verb)) return (...parameters: unknown[]) => write(verb, parameters);
      if (verb === "watch") {
        return (type: ResourceType, watchOptions: WatchOptions, signal: AbortSignal) =>
          watch(caller, options, { type, watchOptions, signal });
      }
      throw new Error(`the controller asked the store for ${verb}, which no cluster has`);
    },
  });
}

function versionOf(stored: unknown): string {
  return (stored as KubernetesObject | undefined)?.metadata.resourceVersion ?? "";
}

/** Events in their order, each late by its own time; the watch may end, expire or fall silent. */
async function* watch(
  caller: Caller,
  { faults, kernel, store }: StoreBoundaryOptions,
  of: { type: ResourceType; watchOptions: WatchOptions; signal: AbortSignal },
): AsyncGenerator<WatchEvent> {
  const { signal, type, watchOptions } = of;
  const ended = new AbortController();
  const arrived: WatchEvent[] = [];
  const underway: WatchEvent[] = [];
  let failure: { error: unknown } | undefined;
  let over = false;
  let silent = false;
  let wake = (): void => undefined;
  const stir = (): void => {
    if (caller.alive) wake();
  };
  const end = (): void => {
    ended.abort();
    stir();
  };
  caller.gone.addEventListener("abort", end, { once: true });
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted || caller.gone.aborted) end();
  const fail = (error: unknown): void => {
    failure = { error };
    end();
  };
  const deliver = (): void => {
    const event = underway.shift();
    if (event === undefined || silent) return;
    const trouble = faults.watch();
    if (trouble === "gone")
      return fail(new ApiError({ code: 410, reason: "Expired", message: "too old resource version" }));
    if (trouble === "broken") return fail(new TypeError("terminated"));
    if (trouble === "silent") {
      kernel.trace(`${caller.name} watch of ${type.kind} falls silent`);
      silent = true;
      return;
    }
    arrived.push(event);
    stir();
  };
  const pump = async (): Promise<void> => {
    try {
      for await (const event of store.watch(type, watchOptions, ended.signal)) {
        underway.push(event);
        kernel.after(faults.write().there + faults.staleness(), deliver);
      }
    } catch (error) {
      if (!ended.signal.aborted) fail(error);
    }
    over = true;
    stir();
  };
  void pump();
  try {
    for (;;) {
      const event = arrived.shift();
      if (event !== undefined) {
        yield event;
        continue;
      }
      if (failure !== undefined) throw failure.error;
      if (signal.aborted || (over && underway.length === 0)) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    end();
    caller.gone.removeEventListener("abort", end);
    signal.removeEventListener("abort", end);
  }
}
