import type { KubernetesObject, ResourceType, WatchEvent } from "../../controller/store/resource-client.ts";

/** The object of widget.ts. */
export interface Widget extends KubernetesObject {
  spec: {
    name: string;
    count?: number;
    map?: Record<string, string>;
    items?: { name: string; value?: string }[];
  };
  status?: { observedGeneration?: number; note?: string };
}

export const namespaces: ResourceType = {
  group: "",
  version: "v1",
  kind: "Namespace",
  plural: "namespaces",
  namespaced: false,
};
export const secrets: ResourceType = {
  group: "",
  version: "v1",
  kind: "Secret",
  plural: "secrets",
  namespaced: true,
};
export const leases: ResourceType = {
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  plural: "leases",
  namespaced: true,
};

/** Waits for what another controller of the server does in its own time; fails with the last error. */
export async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = 1000; ; left -= 1) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}

/** Follows a watch: what was seen so far, and when it has ended. */
export function collect(events: AsyncIterable<WatchEvent<Widget>>): {
  seen: string[];
  versions: string[];
  done: Promise<void>;
} {
  const seen: string[] = [];
  const versions: string[] = [];
  const done = (async () => {
    for await (const event of events) {
      if (event.type === "BOOKMARK") continue;
      seen.push(`${event.type} ${event.object.metadata.name}`);
      versions.push(event.object.metadata.resourceVersion ?? "");
    }
  })();
  return { seen, versions, done };
}
