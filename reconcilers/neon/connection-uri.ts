/** The connection URI of a branch, asked for when it is needed: no password is ever stored. */
import type { ConnectionURIResponse } from "@neondatabase/api-client";
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { LookupDefinition } from "../engine/resource.ts";
import type { NeonClient } from "./client.ts";
import type { ConnectionUriInput } from "./types.ts";

/** Milliseconds for which an answer serves: a password that was reset shows at the next deep look. */
const MAX_AGE = 6 * 3_600_000;

/** Outputs `{uri}`, a SecretValue. */
export const connectionUri: LookupDefinition<ConnectionUriInput, NeonClient> = Object.freeze({
  provider: "neon",
  type: "connectionUri",
  look: async (
    input: ConnectionUriInput,
    context: Parameters<LookupDefinition<ConnectionUriInput, NeonClient>["look"]>[1],
  ) => {
    const { branchId, database, endpointId, pooled, projectId, role } = input;
    const { client, signal } = context;
    const query = new URLSearchParams({
      branch_id: branchId,
      ...(endpointId === "" ? {} : { endpoint_id: endpointId }),
      database_name: database,
      role_name: role,
      pooled: String(pooled),
    });
    const path = `/projects/${projectId}/connection_uri?${query.toString()}`;
    const load = async (): Promise<string> => {
      const answer = await client.read<ConnectionURIResponse>(path, {
        what: `reading the connection URI of branch ${branchId}`,
        signal,
      });
      if (typeof answer?.uri === "string") return answer.uri;
      throw new FlaresmithError({
        code: "INTEGRATION_NOT_FOUND",
        message: `Neon gives no connection URI for database ${database} and role ${role} on branch ${branchId}`,
        hint: "Database and role are looked for again; if they stay away, compare spec.neon.database and spec.neon.role of the Project with the branch.",
        context: { provider: "neon" },
      });
    };
    const uri = await context.shared(path, load, MAX_AGE);
    return { uri: client.makeSecret(uri) };
  },
});
