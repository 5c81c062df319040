/** The role and database on the Neon branch of an Environment or a Preview. */
import type { Connected } from "./deployment.ts";
import type { GraphNode } from "./engine/graph.ts";
import { input, resource } from "./engine/graph.ts";
import type { NeonClient } from "./neon/client.ts";
import { database as neonDatabase } from "./neon/index.ts";
import type { Place } from "./place.ts";

/** Slot of the branch. */
export const BRANCH = "neonBranch";
const DATABASE = "neonDatabase";

/** The Neon branch of a place, as the secrets see it. */
export interface DatabaseOfPlace {
  connection: Connected<NeonClient>;
  projectId: string;
  /** Slot that hands out branchId and endpointId. */
  branchSlot: string;
  /** Slots that must be there before a connection makes sense. */
  needs: readonly string[];
  database: string;
  role: string;
}

/** What a place has at Neon: its graph, and what its secrets are made of; no database where there is no branch. */
export interface NeonPart {
  nodes: GraphNode[];
  database: DatabaseOfPlace | undefined;
}

/** @param branch the node of the slot {@link BRANCH} */
export function withDatabase(
  { keyOf }: Pick<Place, "keyOf">,
  branch: GraphNode,
  options: {
    connection: Connected<NeonClient>;
    projectId: string;
    /** `spec.neon` of the Project. */
    spec: { database: string; role: string };
    removal: "Orphan" | "Delete";
    ephemeral: boolean;
  },
): NeonPart {
  const { connection, ephemeral, projectId, removal } = options;
  const { database, role } = options.spec;
  const node = resource({
    slot: DATABASE,
    definition: neonDatabase,
    connection,
    key: keyOf(neonDatabase.segment),
    parent: { slot: BRANCH },
    removal,
    ephemeral,
    desired: (inputs) => ({
      projectId,
      branchId: input<string>(inputs, BRANCH, "branchId"),
      role,
      database,
    }),
  });
  return {
    nodes: [branch, node],
    database: { connection, projectId, branchSlot: BRANCH, needs: [DATABASE], database, role },
  };
}
