import { z } from "zod";
import { badRequest } from "./errors.ts";

/** Request bodies as the shipped OpenAPI file describes them; unknown fields are refused (ledger: stricter than documented). */
const id = z.string().regex(/^[a-z0-9-]{1,60}$/);
const computeUnits = z.number().min(0.25);
const suspendTimeout = z.int().min(-1).max(604_800);
const text = z.string();
const settingsMap = z.record(z.string(), z.string());
const instant = z.iso.datetime({ offset: true });
const name256 = z.string().min(1).max(256);

const preloadLibraries = z.strictObject({
  use_defaults: z.boolean().optional(),
  enabled_libraries: z.array(text).optional(),
});

const defaultEndpointSettings = z.strictObject({
  pg_settings: settingsMap.optional(),
  pgbouncer_settings: settingsMap.optional(),
  autoscaling_limit_min_cu: computeUnits.optional(),
  autoscaling_limit_max_cu: computeUnits.optional(),
  suspend_timeout_seconds: suspendTimeout.optional(),
});

const count = z.int().min(0);
const projectSettings = z.strictObject({
  quota: z
    .strictObject({
      active_time_seconds: count.optional(),
      compute_time_seconds: count.optional(),
      written_data_bytes: count.optional(),
      data_transfer_bytes: count.optional(),
      logical_size_bytes: count.optional(),
    })
    .optional(),
  allowed_ips: z
    .strictObject({ ips: z.array(text).optional(), protected_branches_only: z.boolean().optional() })
    .optional(),
  enable_logical_replication: z.boolean().optional(),
  maintenance_window: z
    .strictObject({ weekdays: z.array(z.int()), start_time: text, end_time: text })
    .optional(),
  block_public_connections: z.boolean().optional(),
  block_vpc_connections: z.boolean().optional(),
  audit_log_level: z.enum(["base", "extended", "full"]).optional(),
  hipaa: z.boolean().optional(),
  preload_libraries: preloadLibraries.optional(),
});

const annotations = z
  .record(z.string(), z.string())
  .refine((value) => Object.keys(value).length <= 50, { message: "at most 50 annotations are allowed" });

const endpointSettings = z.strictObject({
  pg_settings: settingsMap.optional(),
  pgbouncer_settings: settingsMap.optional(),
  preload_libraries: preloadLibraries.optional(),
});

const endpointType = z.enum(["read_only", "read_write"]);
const computeFields = {
  settings: endpointSettings.optional(),
  autoscaling_limit_min_cu: computeUnits.optional(),
  autoscaling_limit_max_cu: computeUnits.optional(),
  provisioner: text.optional(),
  suspend_timeout_seconds: suspendTimeout.optional(),
};
const endpointFields = {
  ...computeFields,
  pooler_enabled: z.boolean().optional(),
  pooler_mode: z.literal("transaction").optional(),
  disabled: z.boolean().optional(),
  passwordless_access: z.boolean().optional(),
  name: z.string().min(1).max(64).optional(),
};

/** One schema per mutation, named by its `operationId`. */
export const requestBodies = {
  createProject: z.strictObject({
    project: z.strictObject({
      settings: projectSettings.optional(),
      name: name256.optional(),
      branch: z
        .strictObject({
          name: name256.optional(),
          role_name: text.optional(),
          database_name: text.optional(),
          annotations: annotations.optional(),
        })
        .optional(),
      autoscaling_limit_min_cu: computeUnits.optional(),
      autoscaling_limit_max_cu: computeUnits.optional(),
      provisioner: text.optional(),
      region_id: text.optional(),
      default_endpoint_settings: defaultEndpointSettings.optional(),
      pg_version: z.int().min(14).max(18).optional(),
      store_passwords: z.boolean().optional(),
      history_retention_seconds: z.int().min(0).max(2_592_000).optional(),
      org_id: id.optional(),
    }),
  }),
  updateProject: z.strictObject({
    project: z.strictObject({
      settings: projectSettings.optional(),
      name: name256.optional(),
      default_endpoint_settings: defaultEndpointSettings.optional(),
      history_retention_seconds: z.int().min(0).max(2_592_000).optional(),
    }),
  }),
  createProjectBranch: z.strictObject({
    endpoints: z.array(z.strictObject({ type: endpointType, ...computeFields })).optional(),
    branch: z
      .strictObject({
        parent_id: id.optional(),
        name: name256.optional(),
        parent_lsn: text.optional(),
        parent_timestamp: instant.optional(),
        protected: z.boolean().optional(),
        archived: z.boolean().optional(),
        init_source: z.enum(["schema-only", "parent-data"]).optional(),
        expires_at: instant.optional(),
      })
      .optional(),
    annotation_value: annotations.optional(),
  }),
  updateProjectBranch: z.strictObject({
    branch: z.strictObject({
      name: name256.optional(),
      protected: z.boolean().optional(),
      expires_at: instant.nullable().optional(),
    }),
  }),
  createProjectEndpoint: z.strictObject({
    endpoint: z.strictObject({
      branch_id: id,
      region_id: text.optional(),
      type: endpointType,
      ...endpointFields,
    }),
  }),
  updateProjectEndpoint: z.strictObject({
    endpoint: z.strictObject({ branch_id: id.optional(), ...endpointFields }),
  }),
  createProjectBranchRole: z.strictObject({
    role: z.strictObject({ name: text, no_login: z.boolean().optional() }),
  }),
  createProjectBranchDatabase: z.strictObject({ database: z.strictObject({ name: text, owner_name: text }) }),
  updateProjectBranchDatabase: z.strictObject({
    database: z.strictObject({ name: text.optional(), owner_name: text.optional() }),
  }),
};

/**
 * Reads and checks a JSON body.
 * @param options.optional an absent or empty body counts as `{}`
 * @throws NeonError 400 naming the field that is wrong
 */
export async function readBody<Schema extends z.ZodType>(
  request: Request,
  schema: Schema,
  options: { optional?: boolean } = {},
): Promise<z.output<Schema>> {
  const source = await request.text();
  let parsed: unknown = {};
  if (source.trim() !== "") {
    try {
      parsed = JSON.parse(source);
    } catch {
      throw badRequest("request body has an error: failed to decode request body: invalid JSON");
    }
  } else if (options.optional !== true) {
    throw badRequest("request body has an error: value is required but missing");
  }
  const result = schema.safeParse(parsed);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue === undefined ? "" : issue.path.join("/");
  throw badRequest(`request body has an error: Error at "/${path}": ${issue?.message ?? "invalid"}`);
}

const reservedRoles = new Set(["cloud_admin", "neon_superuser", "postgres", "web_access", "public", "none"]);
const reservedDatabases = new Set(["postgres", "template0", "template1"]);

/** @throws NeonError 400 unless `name` can be a role's or database's name: 1 to 63 bytes, not reserved */
export function checkPostgresName(kind: "role" | "database", name: string): void {
  const bytes = new TextEncoder().encode(name).length;
  if (bytes < 1 || bytes > 63) throw badRequest(`invalid ${kind} name: must be 1 to 63 bytes long`);
  const reserved =
    kind === "role" ? reservedRoles.has(name) || name.startsWith("pg_") : reservedDatabases.has(name);
  if (reserved) throw badRequest(`invalid ${kind} name: ${name} is reserved`);
  if ([...name].some((character) => character < " "))
    throw badRequest(`invalid ${kind} name: control characters are not allowed`);
}

/**
 * An integer query parameter within bounds.
 * @throws NeonError 400 naming the parameter
 */
export function integerQuery(
  value: string | undefined,
  options: { name: string; minimum: number; maximum: number; fallback: number },
): number {
  if (value === undefined) return options.fallback;
  const number = Number(value);
  if (!Number.isInteger(number) || number < options.minimum || number > options.maximum) {
    throw badRequest(
      `parameter "${options.name}" in query has an error: must be an integer from ${options.minimum} to ${options.maximum}`,
    );
  }
  return number;
}

/** A boolean query parameter. @throws NeonError 400 unless absent, `true` or `false` */
export function booleanQuery(value: string | undefined, name: string): boolean {
  if (value === undefined || value === "false") return false;
  if (value === "true") return true;
  throw badRequest(`parameter "${name}" in query has an error: must be true or false`);
}
