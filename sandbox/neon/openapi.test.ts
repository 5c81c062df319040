import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createApiClient } from "@neondatabase/api-client";
import { Ajv } from "ajv";
import type { ValidateFunction } from "ajv";
import addFormats from "ajv-formats";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { neonHarness } from "./neon-harness.ts";

interface Schema {
  [key: string]: unknown;
}
interface Operation {
  operationId: string;
  requestBody?: { content: Record<string, { schema: Schema }>; $ref?: string };
  responses: Record<string, { $ref?: string; content?: Record<string, { schema: Schema }> }>;
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, Schema>;
    responses: Record<string, { content: Record<string, { schema: Schema }> }>;
  };
}

/** OpenAPI 3.0 as JSON Schema: `nullable` becomes a type, annotations that ajv does not know go. */
function jsonSchema(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(jsonSchema);
  if (typeof value !== "object" || value === null) return value;
  const source = value as Record<string, unknown>;
  const entries = Object.entries(source).filter(
    ([key, entry]) => key !== "nullable" && !(key === "example" && entry !== null),
  );
  const copy = Object.fromEntries(entries.map(([key, entry]) => [key, jsonSchema(entry)]));
  return source["nullable"] === true && typeof source["type"] === "string"
    ? { ...copy, type: [source["type"], "null"] }
    : copy;
}

const file = join(
  dirname(createRequire(import.meta.url).resolve("@neondatabase/api-client")),
  "..",
  "public-v2-for-users.gen.yaml",
);
const document = jsonSchema(parse(readFileSync(file, "utf8"))) as Document;
const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: true });
addFormats.default(ajv);
for (const format of ["int", "int32", "int64", "double"]) ajv.addFormat(format, true);
ajv.addSchema({ $id: "neon", components: document.components });

const compiled = new Map<string, ValidateFunction>();
function validator(name: string, schema: Schema): ValidateFunction {
  const known = compiled.get(name);
  if (known) return known;
  const text = JSON.stringify(schema).replaceAll('"#/components', '"neon#/components');
  const made = ajv.compile(JSON.parse(text) as Schema);
  compiled.set(name, made);
  return made;
}

const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods)
    .filter(([method]) => ["get", "post", "patch", "put", "delete"].includes(method))
    .map(([method, operation]) => ({
      method: method.toUpperCase(),
      parts: path.split("/"),
      fixed: path.split("/").filter((part) => !part.startsWith("{")).length,
      operation,
    })),
);

function operationFor(method: string, path: string): Operation {
  const parts = path.split("/");
  const matching = routes
    .filter((route) => route.method === method && route.parts.length === parts.length)
    .filter((route) => route.parts.every((part, index) => part.startsWith("{") || part === parts[index]))
    .toSorted((left, right) => right.fixed - left.fixed);
  const [best] = matching;
  if (!best) throw new Error(`the OpenAPI file has no ${method} ${path}`);
  return best.operation;
}

function responseSchema(operation: Operation, status: number): Schema | undefined {
  const response = operation.responses[String(status)] ?? operation.responses["default"];
  const resolved =
    response?.$ref === undefined
      ? response
      : document.components.responses[response.$ref.split("/").at(-1) ?? ""];
  return resolved?.content?.["application/json"]?.schema;
}

test("every answer of a broad run, and every request of Neon's own SDK in it, is what Neon's OpenAPI file says", async () => {
  const harness = neonHarness({
    plan: {
      projects: 5,
      branchesPerProject: 6,
      rootBranchesPerProject: 2,
      protectedBranchesPerProject: 1,
      endpointsPerBranch: 3,
      historyRetentionSeconds: 604_800,
      maxComputeUnits: 8,
    },
  });
  const { context, neon, settle, orgId } = harness;
  const problems: string[] = [];
  const seen = new Map<string, Set<number>>();
  const check = (what: string, name: string, schema: Schema | undefined, value: unknown): void => {
    if (!schema) return;
    const validate = validator(name, schema);
    if (!validate(value)) problems.push(`${what}: ${ajv.errorsText(validate.errors)}`);
  };
  const send = async (input: Request): Promise<Response> => {
    const path = new URL(input.url).pathname.replace("/api/v2", "");
    const operation = operationFor(input.method, path);
    const sent = await input.clone().text();
    const response = await neon.fetch(input);
    const text = await response.clone().text();
    const { status } = response;
    seen.set(operation.operationId, (seen.get(operation.operationId) ?? new Set<number>()).add(status));
    if (sent !== "" && status < 300) {
      check(
        `request ${operation.operationId}`,
        `${operation.operationId} request`,
        operation.requestBody?.content["application/json"]?.schema,
        JSON.parse(sent),
      );
    }
    if (status === 204) expect(text).toBe("");
    else
      check(
        `${operation.operationId} ${status}`,
        `${operation.operationId} ${status}`,
        responseSchema(operation, status),
        JSON.parse(text),
      );
    return response;
  };
  const client = (apiKey: string) =>
    createApiClient({
      apiKey,
      baseURL: harness.url,
      adapter: "fetch",
      env: {
        fetch: (input: Request | string | URL, init?: RequestInit) => send(new Request(input, init)),
        Request,
        Response,
      },
      validateStatus: () => true,
    } as Parameters<typeof createApiClient>[0]);
  const api = client(harness.orgKey);
  const user = client(harness.userKey);

  await client("napi_wrong").listProjects({});
  await user.listProjects({});
  expect((await user.listProjects({ org_id: orgId })).status).toBe(200);
  await api.getAuthDetails();
  await user.getAuthDetails();
  await user.getCurrentUserInfo();
  await user.getCurrentUserOrganizations();
  await api.getOrganization(orgId);
  await api.getActiveRegions({});
  const { data: created } = await api.createProject({
    project: {
      name: "shop",
      pg_version: 17,
      branch: {
        name: "production",
        role_name: "app",
        database_name: "app",
        annotations: { flaresmith: "x" },
      },
      settings: { quota: { active_time_seconds: 0 } },
    },
  });
  const project = created.project.id;
  const root = created.branch.id;
  await api.createProjectBranch(project, { branch: { name: "early" } });
  await api.listProjectOperations({ projectId: project });
  settle();
  await api.getProject(project);
  await api.updateProject(project, {
    project: {
      name: "shop-2",
      settings: { enable_logical_replication: true },
      history_retention_seconds: 3_600,
    },
  });
  settle();
  const { data: dev } = await api.createProjectBranch(project, {
    branch: { name: "dev", parent_id: root, expires_at: "2026-01-05T00:00:00Z" },
    endpoints: [{ type: "read_write" as never, autoscaling_limit_max_cu: 1 }],
    annotation_value: { owner: "flaresmith" },
  });
  const branch = dev.branch.id;
  await api.getProjectBranch(project, branch);
  await api.getProjectOperation(project, dev.operations[0]?.id ?? "");
  settle();
  await api.createProjectBranch(project, { branch: { name: "dev" } });
  await api.createProjectBranch(project, { branch: { name: "schema", init_source: "schema-only" } });
  settle();
  await api.createProjectBranch(project, { branch: { name: "schema-2", init_source: "schema-only" } });
  await api.listProjectBranches({
    projectId: project,
    limit: 2,
    sort_by: "name",
    sort_order: "asc",
  });
  await api.countProjectBranches({ projectId: project });
  await api.updateProjectBranch(project, branch, {
    branch: { name: "develop", expires_at: null },
  });
  await api.updateProjectBranch(project, branch, { branch: { name: "develop" } });
  const { data: role } = await api.createProjectBranchRole(project, branch, { role: { name: "reader" } });
  settle();
  await api.createProjectBranchRole(project, branch, { role: { name: "reader" } });
  await api.listProjectBranchRoles(project, branch);
  await api.getProjectBranchRole(project, branch, role.role.name);
  await api.getProjectBranchRolePassword(project, branch, role.role.name);
  await api.resetProjectBranchRolePassword(project, branch, role.role.name);
  settle();
  await api.createProjectBranchDatabase(project, branch, {
    database: { name: "reports", owner_name: "reader" },
  });
  settle();
  await api.listProjectBranchDatabases(project, branch);
  await api.getProjectBranchDatabase(project, branch, "reports");
  await api.deleteProjectBranchRole(project, branch, "reader");
  await api.updateProjectBranchDatabase(project, branch, "reports", {
    database: { name: "reporting", owner_name: "app" },
  });
  settle();
  await api.getConnectionUri({
    projectId: project,
    branch_id: branch,
    database_name: "reporting",
    role_name: "app",
    pooled: true,
  });
  await api.deleteProjectBranchDatabase(project, branch, "reporting");
  settle();
  await api.deleteProjectBranchDatabase(project, branch, "reporting");
  await api.deleteProjectBranchRole(project, branch, "reader");
  settle();
  await api.deleteProjectBranchRole(project, branch, "reader");
  const { data: reader } = await api.createProjectEndpoint(project, {
    endpoint: { branch_id: branch, type: "read_only" as never },
  });
  settle();
  await api.createProjectEndpoint(project, { endpoint: { branch_id: branch, type: "read_write" as never } });
  await api.listProjectEndpoints(project);
  await api.listProjectBranchEndpoints(project, branch);
  await api.getProjectEndpoint(project, reader.endpoint.id);
  await api.updateProjectEndpoint(project, reader.endpoint.id, {
    endpoint: { autoscaling_limit_max_cu: 2, suspend_timeout_seconds: 60 },
  });
  settle();
  await api.suspendProjectEndpoint(project, reader.endpoint.id);
  await api.suspendProjectEndpoint(project, reader.endpoint.id);
  settle();
  await api.startProjectEndpoint(project, reader.endpoint.id);
  settle();
  await api.restartProjectEndpoint(project, reader.endpoint.id);
  settle();
  await api.deleteProjectEndpoint(project, reader.endpoint.id);
  settle();
  await api.deleteProjectEndpoint(project, reader.endpoint.id);
  await api.deleteProjectBranch({ projectId: project, branchId: root });
  await api.deleteProjectBranch({ projectId: project, branchId: branch });
  settle();
  await api.deleteProjectBranch({ projectId: project, branchId: branch });
  await api.listProjectBranches({ projectId: project, include_deleted: true });
  await api.recoverProjectBranch(project, branch);
  await api.setDefaultProjectBranch(project, branch);
  context.clock.advance(1_000);
  neon.setUnavailable(project, true);
  await api.createProject({ project: { name: "second" } });
  settle();
  const { data: listing } = await api.listProjects({ limit: 400, search: "s" });
  expect(listing.unavailable_project_ids).toEqual([project]);
  await api.deleteProject(project);
  await api.getProject(project);
  await api.recoverProject(project);

  expect(problems).toEqual([]);
  const statuses = Object.fromEntries(
    [...seen].map(([name, found]) => [name, [...found].toSorted((left, right) => left - right)]),
  );
  expect(statuses).toMatchObject({
    createProject: [201],
    createProjectBranch: [201, 409, 422, 423],
    deleteProjectBranch: [200, 204, 422],
    createProjectEndpoint: [201, 409],
    suspendProjectEndpoint: [200, 423],
    deleteProjectBranchDatabase: [200, 204],
    deleteProjectBranchRole: [200, 204, 422],
    listProjects: [200, 400, 401],
    getProject: [200, 404],
  });
  expect(seen.size).toBeGreaterThan(40);
});
