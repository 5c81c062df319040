/** `secrets[]` of an Environment, for itself and for the previews that are based on it. */
import type { EnvironmentSecret } from "../crds/environment.ts";
import { FlaresmithError } from "../controller/runtime/errors.ts";
import type { SecretValue } from "../controller/runtime/secret-value.ts";
import { input, lookup } from "./engine/graph.ts";
import type { GraphNode } from "./engine/graph.ts";
import type { PlannedSecret } from "./deployment.ts";
import { connectionUri } from "./neon/index.ts";
import type { DatabaseOfPlace } from "./place-database.ts";
import type { Place } from "./place.ts";
import { readSecret, revealed } from "./secrets.ts";

/** Plans the secrets; `nodes` are the lookups that their values need. */
export async function planSecrets(
  place: Pick<Place, "namespace" | "options" | "signal">,
  secrets: readonly EnvironmentSecret[],
  database: DatabaseOfPlace | undefined,
): Promise<{ secrets: PlannedSecret[]; nodes: GraphNode[] }> {
  const { namespace, signal } = place;
  const { makeSecret: make, reader } = place.options;
  const nodes = new Map<string, GraphNode>();
  const planned = secrets.map(async (secret): Promise<PlannedSecret> => {
    const field = `spec.secrets[${secret.name}]`;
    const base = { name: secret.name, to: secret.to };
    const fact = secret.from.neon;
    if (fact === undefined) {
      const reference = secret.from.secretRef ?? { name: "", key: "" };
      const value = await readSecret({
        reader,
        namespace,
        reference,
        field: `${field}.from.secretRef`,
        make,
        signal,
      });
      return {
        ...base,
        from: `Secret ${reference.name}/${reference.key}`,
        needs: [],
        value: () => revealed(value),
      };
    }
    const slot = `neon/${fact}`;
    if (!database) {
      const error = new FlaresmithError({
        code: "SPEC_INVALID",
        message: `${secret.name} comes from Neon, but there is no database branch here`,
        field: `${field}.from.neon`,
        hint: "Add spec.neon to the Project, or take the value from a Secret.",
      });
      return { ...base, from: `neon ${fact}`, needs: [], value: () => revealed(error) };
    }
    if (!nodes.has(slot)) nodes.set(slot, uriNode(slot, fact === "pooledConnectionUri", database));
    return {
      ...base,
      from: `neon ${fact}`,
      needs: [slot],
      value: (inputs) => input<SecretValue>(inputs, slot, "uri"),
    };
  });
  return { secrets: await Promise.all(planned), nodes: [...nodes.values()] };
}

function uriNode(slot: string, pooled: boolean, database: DatabaseOfPlace): GraphNode {
  return lookup({
    slot,
    definition: connectionUri,
    connection: database.connection,
    needs: [database.branchSlot, ...database.needs],
    input: (inputs) => ({
      projectId: database.projectId,
      branchId: input<string>(inputs, database.branchSlot, "branchId"),
      endpointId: input<string>(inputs, database.branchSlot, "endpointId"),
      database: database.database,
      role: database.role,
      pooled,
    }),
  });
}
