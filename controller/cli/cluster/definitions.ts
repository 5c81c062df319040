/** Whether the cluster knows our kinds as this build does. Installing them is up to whoever installs the controller. */
import { crdOf, kinds } from "../../../crds/index.ts";
import type { KindDefinition } from "../../../crds/kind.ts";
import type { StructuralSchema } from "../../../crds/schema/structural.ts";
import type { Clock } from "../../runtime/clock.ts";
import { errorText } from "../../runtime/errors.ts";
import type { Tracker } from "../../runtime/tracker.ts";
import { isApiError } from "../../store/resource-client.ts";
import type { KubernetesObject, ResourceClient, ResourceType } from "../../store/resource-client.ts";

const definitionType: ResourceType = Object.freeze({
  group: "apiextensions.k8s.io",
  version: "v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  namespaced: false,
});

interface Definition extends KubernetesObject {
  spec?: {
    versions?: readonly {
      name?: string;
      served?: boolean;
      schema?: { openAPIV3Schema?: StructuralSchema };
    }[];
  };
  status?: { conditions?: readonly { type?: string; status?: string }[] };
}

/** Milliseconds between two looks at definitions that are not as they should be. */
const LOOK_AGAIN = 5_000;
/** How many missing fields a message names. */
const MOST_NAMED = 3;
const REMEDY = "apply the ones of this version: flaresmith crds | kubectl apply --server-side -f -";

/** What a schema lets one write, as paths. */
function* pathsOf(schema: StructuralSchema, path = ""): Generator<string> {
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    const own = path === "" ? name : `${path}.${name}`;
    yield own;
    yield* pathsOf(inner, own);
  }
  if (schema.items !== undefined) yield* pathsOf(schema.items, `${path}[]`);
  if (typeof schema.additionalProperties === "object")
    yield* pathsOf(schema.additionalProperties, `${path}.*`);
}

function problemWith(kind: KindDefinition, definition: Definition): string | undefined {
  const wanted = crdOf(kind);
  const [ours] = wanted.spec.versions;
  const served = definition.spec?.versions?.find(({ name }) => name === ours?.name);
  if (ours === undefined || served?.served !== true) {
    return `CustomResourceDefinition ${wanted.metadata.name} does not serve ${ours?.name ?? ""}: ${REMEDY}`;
  }
  const there = new Set(pathsOf(served.schema?.openAPIV3Schema ?? { type: "object" }));
  // What a newer one has besides is not ours to write, and stays as it is.
  const missing = [...pathsOf(ours.schema.openAPIV3Schema)].filter((path) => !there.has(path));
  if (missing.length > 0) {
    const more = missing.length > MOST_NAMED ? ` and ${missing.length - MOST_NAMED} more` : "";
    const named = missing.slice(0, MOST_NAMED).join(", ");
    return `CustomResourceDefinition ${wanted.metadata.name} is older than this controller, it lacks ${named}${more}: ${REMEDY}`;
  }
  const established = definition.status?.conditions?.find(({ type }) => type === "Established");
  return established?.status === "True"
    ? undefined
    : `CustomResourceDefinition ${wanted.metadata.name} is installed and not served yet`;
}

async function problemOf(
  client: ResourceClient,
  kind: KindDefinition,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { name } = crdOf(kind).metadata;
  try {
    return problemWith(kind, await client.get<Definition>(definitionType, { name }, signal));
  } catch (error) {
    if (isApiError(error, "NotFound")) return `CustomResourceDefinition ${name} is not installed: ${REMEDY}`;
    // Whoever may not look finds out by listing.
    if (isApiError(error, "Forbidden")) return undefined;
    signal.throwIfAborted();
    return errorText(error);
  }
}

export interface DefinitionCheck {
  /** What is wrong with the cluster's definitions, as last seen; undefined when nothing is. */
  problem(): string | undefined;
  /** Resolves when the cluster serves every kind with every field of this build. @throws the signal's reason */
  served(signal: AbortSignal): Promise<void>;
}

/** Looks again every few seconds for as long as something is wrong, and says what in the log. */
export function checkDefinitions(options: {
  client: ResourceClient;
  clock: Clock;
  tracker: Tracker;
}): DefinitionCheck {
  const { client, clock, tracker } = options;
  let problem: string | undefined = "not looked at yet";
  return {
    problem: () => problem,
    served: async (signal) => {
      for (;;) {
        const found = await Promise.all(kinds.map((kind) => problemOf(client, kind, signal)));
        const [first] = found.filter((one) => one !== undefined);
        if (first !== undefined && first !== problem)
          tracker.log.warn("waiting for the kinds", { problem: first });
        problem = first;
        if (first === undefined) return;
        await clock.sleep(LOOK_AGAIN, signal);
      }
    },
  };
}
