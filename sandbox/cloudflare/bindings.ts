import { failure } from "./envelope.ts";
import type { Binding } from "./model.ts";
import { workerKey } from "./world.ts";
import type { World } from "./world.ts";

/** Binding type -> fields that it must carry, beside `name` and `type` (SDK 7.3.0 `scripts.ts`, upload metadata). */
const requiredFields: Readonly<Record<string, readonly string[]>> = Object.freeze({
  ai: [],
  ai_search: ["instance_name"],
  ai_search_namespace: ["namespace"],
  analytics_engine: ["dataset"],
  assets: [],
  browser: [],
  d1: [],
  data_blob: ["part"],
  dispatch_namespace: ["namespace"],
  durable_object_namespace: [],
  hyperdrive: ["id"],
  images: [],
  inherit: [],
  json: ["json"],
  kv_namespace: ["namespace_id"],
  media: [],
  mtls_certificate: ["certificate_id"],
  pipelines: ["pipeline"],
  plain_text: ["text"],
  queue: ["queue_name"],
  r2_bucket: ["bucket_name"],
  ratelimit: ["namespace_id", "simple"],
  secret_key: ["algorithm", "format", "usages"],
  secret_text: ["text"],
  secrets_store_secret: ["secret_name", "store_id"],
  send_email: [],
  service: ["service"],
  tail_consumer: ["service"],
  text_blob: ["part"],
  vectorize: ["index_name"],
  version_metadata: [],
  vpc_service: ["service_id"],
  wasm_module: ["part"],
  worker_loader: [],
  workflow: ["workflow_name"],
});

/** Targets that this sandbox has no API for: naming one is always «not found», with the validator's code. */
const absentTargets: Readonly<Record<string, { code: number; title: string }>> = Object.freeze({
  d1: { code: 10181, title: "D1 database" },
  hyperdrive: { code: 10157, title: "Hyperdrive config" },
  queue: { code: 11000, title: "Queue" },
  vectorize: { code: 10159, title: "Vectorize index" },
  secrets_store_secret: { code: 10182, title: "Secrets Store secret" },
  mtls_certificate: { code: 100143, title: "mTLS certificate" },
  dispatch_namespace: { code: 100119, title: "Dispatch namespace" },
});

const textLimit = 5 * 1024;

/**
 * The bindings of an upload as they will run: shapes and targets checked, inherited and kept ones filled in.
 * @param options `previous`: bindings of the version that came before; `keep`: types in `keep_bindings`;
 *   `strict`: unresolved `inherit` bindings fail (10057) instead of vanishing
 * @throws CloudflareFailure 400 with the validator's code, naming the binding
 */
export function resolveBindings(
  world: World,
  options: {
    accountId: string;
    script: string;
    requested: readonly Binding[];
    previous: readonly Binding[];
    keep: readonly string[];
    strict: boolean;
    durableObjectClasses: readonly string[];
  },
): Binding[] {
  const { requested, previous, keep, strict } = options;
  const names = new Set<string>();
  const resolved = requested.flatMap((binding): Binding[] => {
    checkBinding(binding);
    if (names.has(binding.name)) throw failure(400, 10021, `binding name '${binding.name}' already in use`);
    names.add(binding.name);
    if (binding.type !== "inherit") {
      checkTarget(world, options, binding);
      return [binding];
    }
    const source = typeof binding["old_name"] === "string" ? binding["old_name"] : binding.name;
    const inherited = previous.find((candidate) => candidate.name === source);
    if (inherited) return [{ ...inherited, name: binding.name }];
    if (strict) throw failure(400, 10057, `inherit binding '${binding.name}' is invalid`);
    return [];
  });
  const kept = previous.filter((binding) => keep.includes(binding.type) && !names.has(binding.name));
  return [...resolved, ...kept];
}

function checkBinding(binding: Binding): void {
  const required = requiredFields[binding.type];
  if (!required) throw failure(400, 10021, `binding '${binding.name}' has unknown type '${binding.type}'`);
  for (const field of required) {
    if (binding[field] === undefined)
      throw failure(400, 10021, `binding '${binding.name}' of type '${binding.type}' is missing '${field}'`);
  }
  for (const field of ["text", "namespace_id", "bucket_name", "service"]) {
    const value = binding[field];
    if (required.includes(field) && (typeof value !== "string" || (value === "" && field !== "text"))) {
      throw failure(400, 10021, `binding '${binding.name}': '${field}' must be a string`);
    }
  }
  const text = binding["text"];
  if (typeof text === "string" && Buffer.byteLength(text) > textLimit) {
    throw failure(400, 10021, `binding '${binding.name}': text is larger than ${textLimit} bytes`);
  }
}

function checkTarget(
  world: World,
  options: { accountId: string; script: string; durableObjectClasses: readonly string[] },
  binding: Binding,
): void {
  const { accountId, script, durableObjectClasses } = options;
  if (binding.type === "kv_namespace") {
    const id = String(binding["namespace_id"]);
    if (world.namespaces.seen(id, "kv_namespace")?.accountId !== accountId) {
      throw failure(400, 10041, `KV namespace '${id}' not found.`);
    }
  }
  if (binding.type === "r2_bucket") {
    const name = String(binding["bucket_name"]);
    const jurisdiction = typeof binding["jurisdiction"] === "string" ? binding["jurisdiction"] : "default";
    if (!world.buckets.seen(`${accountId}/${jurisdiction}/${name}`, "r2_bucket")) {
      throw failure(400, 10085, `R2 bucket '${name}' not found. Please use a different name and try again.`);
    }
  }
  if (binding.type === "service") {
    const service = String(binding["service"]);
    if (service !== script && !world.workers.seen(workerKey(accountId, service), "service")) {
      throw failure(
        400,
        10144,
        `Service binding '${binding.name}' references Worker '${service}' which was not found.`,
      );
    }
  }
  if (
    binding.type === "durable_object_namespace" &&
    binding["script_name"] === undefined &&
    binding["namespace_id"] === undefined
  ) {
    const name = String(binding["class_name"]);
    if (!durableObjectClasses.includes(name)) {
      throw failure(
        400,
        10061,
        `Cannot create binding for class '${name}' because it is not currently configured to implement Durable Objects. Did you forget to apply a migration?`,
      );
    }
  }
  const absent = absentTargets[binding.type];
  if (absent) throw failure(400, absent.code, `${absent.title} of binding '${binding.name}' not found.`);
}

/** A binding as the API shows it: secrets by name and type only. */
export function maskBinding(binding: Binding): Binding {
  if (binding.type === "secret_text") return { name: binding.name, type: binding.type };
  if (binding.type !== "secret_key") return binding;
  const { key_base64: _raw, key_jwk: _jwk, ...visible } = binding;
  return visible;
}
