/** The controllers over a store or a cluster: put together here once, for every command that runs them. */
import { createControllers } from "../../../reconcilers/controllers.ts";
import { redactingClient } from "../../../reconcilers/redacting-client.ts";
import type { Clock, Fetch, Random } from "../../runtime/clock.ts";
import { createManager } from "../../runtime/manager.ts";
import type { Manager } from "../../runtime/manager.ts";
import type { Tracker } from "../../runtime/tracker.ts";
import { sourceController } from "../../sources/source-controller.ts";
import { priorities } from "../../runtime/work-queue.ts";
import type { KubernetesObject, ResourceClient } from "../../store/resource-client.ts";
import { isApiError } from "../../store/resource-client.ts";
import {
  connectionType,
  environmentType,
  previewType,
  projectType,
  secretType,
  sourceType,
} from "../types.ts";

/** Reads the decoded data of a Secret; undefined when it does not exist. */
export type SecretReader = (
  key: { namespace: string; name: string },
  signal?: AbortSignal,
) => Promise<Record<string, string> | undefined>;

/** Secrets are read by name when they are needed, never cached and never listed. */
export function secretReader(client: ResourceClient): SecretReader {
  return async (key, signal) => {
    try {
      const secret = await client.get<KubernetesObject & { data?: Record<string, string> }>(
        secretType,
        key,
        signal,
      );
      const entries = Object.entries(secret.data ?? {});
      return Object.fromEntries(
        entries.map(([name, text]) => [name, Buffer.from(text, "base64").toString("utf8")]),
      );
    } catch (error) {
      if (isApiError(error, "NotFound")) return undefined;
      throw error;
    }
  };
}

export interface AssembledController {
  manager: Manager;
  /** Webhook secrets of every GitHub Connection. */
  webhookSecrets(): Promise<string[]>;
}

interface Connection extends KubernetesObject {
  spec: { provider: string; credentials: { secretRef: { name: string } } };
}

/** Creates the manager with every kind; nothing runs before it is started. */
export function assembleController(options: {
  client: ResourceClient;
  clock: Clock;
  random: Random;
  tracker: Tracker;
  fetch: Fetch;
  installation: string;
  hashKey: string;
  version: string;
  publicUrl: string | undefined;
  sources: {
    /** Directories that Sources may read; none: `directory` and `file://` are refused. */
    allowedDirectories: readonly string[];
    /** Where clones lie. */
    dataDirectory: string;
    /** Environment of the process, of which a few names reach git. */
    environment: Readonly<Record<string, string | undefined>>;
    /** Closes watchers. */
    signal: AbortSignal;
  };
  /** Default: all namespaces. */
  namespace?: string | undefined;
  /** See `ManagerOptions`. */
  leadership?: ((signal: AbortSignal) => Promise<void>) | undefined;
}): AssembledController {
  const { client, clock, leadership, namespace, random, sources, tracker, ...rest } = options;
  const secret = secretReader(client);
  const created: { manager?: Manager } = {};
  const caches = (): Manager["caches"] => {
    if (created.manager === undefined)
      throw new Error("the manager was asked for its caches before it exists");
    return created.manager.caches;
  };
  const controllers = createControllers({
    ...rest,
    client,
    clock,
    random,
    tracker,
    secret,
    caches,
    wake: (controller, key) => created.manager?.enqueue(controller, key, { priority: priorities.resync }),
  });
  const manager = createManager({
    client,
    clock,
    random,
    tracker,
    indexes: controllers.indexes,
    controllers: [
      ...controllers.definitions,
      sourceController({
        client: redactingClient(client, (text) => tracker.secrets.redact(text)),
        clock,
        tracker,
        secret,
        // A changed directory is somebody's edit.
        wake: (key) => created.manager?.enqueue("source", key, { priority: priorities.userEdit }),
        ...sources,
      }),
    ],
    namespace,
    leadership,
  });
  created.manager = manager;
  tracker.watchResources(() =>
    [connectionType, sourceType, projectType, environmentType, previewType].flatMap((type) =>
      resourceInfos(manager, type),
    ),
  );
  return {
    manager,
    webhookSecrets: async () => {
      const connections = caches().of<Connection>(connectionType).list();
      const found = await Promise.all(
        connections
          .filter(({ spec }) => spec.provider === "GitHub")
          .map(({ metadata, spec }) =>
            secret({ namespace: metadata.namespace ?? "default", name: spec.credentials.secretRef.name }),
          ),
      );
      // Several are allowed during a rotation, with white space between.
      const secrets = found
        .flatMap((data) => (data?.["webhookSecret"] ?? "").split(/\s+/))
        .map((line) => line.trim());
      return [...new Set(secrets.filter((line) => line !== ""))];
    },
  };
}

function resourceInfos(manager: Manager, type: typeof connectionType) {
  return manager.caches
    .of(type)
    .list()
    .map((object) => {
      const status = object["status"] as
        | { conditions?: { type: string; status: string }[]; inventory?: unknown[]; state?: string }
        | undefined;
      const { projectRef } = object["spec"] as { projectRef?: { name: string } };
      const isActivePreview = object.kind === "Preview" && (status?.inventory ?? []).length > 0;
      return {
        kind: object.kind,
        namespace: object.metadata.namespace ?? "",
        name: object.metadata.name,
        ready: status?.conditions?.find(({ type: name }) => name === "Ready")?.status ?? "Unknown",
        suspended: (object["spec"] as { suspend?: boolean } | undefined)?.suspend === true,
        state: status?.state ?? "",
        activePreviewOf: isActivePreview ? projectRef?.name : undefined,
      };
    });
}
