import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import type { ModuleDefinition, WorkerOptions } from "miniflare";
import type { HostTarget } from "../hosts.ts";
import type { Assets, Module, R2Bucket, Runnable } from "../model.ts";
import { servingVersion, workerKey } from "../world.ts";
import type { World } from "../world.ts";

/** The Worker that all requests enter by and that holds every namespace and bucket. */
export const routerName = "flaresmith-router";

const emptyWorker = "export default { fetch() { return new Response(null, { status: 404 }); } };";

const moduleKinds: Readonly<Record<string, ModuleDefinition["type"]>> = Object.freeze({
  "application/javascript+module": "ESModule",
  "text/javascript+module": "ESModule",
  "application/javascript": "CommonJS",
  "text/javascript": "CommonJS",
  "application/wasm": "CompiledWasm",
  "application/octet-stream": "Data",
  "text/plain": "Text",
  "text/html": "Text",
  "text/x-python": "PythonModule",
  "text/x-python-requirement": "PythonRequirement",
});

/** The storage id of a bucket: names are unique per account and jurisdiction. */
export function bucketId(bucket: Pick<R2Bucket, "accountId" | "jurisdiction" | "name">): string {
  return `${bucket.accountId}-${bucket.jurisdiction}-${bucket.name}`;
}

function codeOf(modules: readonly Module[], entry: string | undefined): Partial<WorkerOptions> {
  const main = modules.find((module) => module.name === entry);
  if (!main) return { modules: [{ type: "ESModule", path: "index.js", contents: emptyWorker }] };
  const decode = (module: Module): Uint8Array<ArrayBuffer> =>
    new Uint8Array(Buffer.from(module.base64, "base64"));
  if (main.contentType === "application/javascript" || main.contentType === "text/javascript") {
    return { script: Buffer.from(decode(main)).toString("utf8") };
  }
  const definitions = [main, ...modules.filter((module) => module !== main)].flatMap(
    (module): ModuleDefinition[] => {
      const type = moduleKinds[module.contentType];
      return type === undefined ? [] : [{ type, path: module.name, contents: decode(module) }];
    },
  );
  return { modules: definitions };
}

function writeAssets(world: World, accountId: string, assets: Assets, directory: string): void {
  if (existsSync(join(directory, ".complete"))) return;
  for (const [path, file] of Object.entries(assets.manifest)) {
    const target = resolve(directory, "files", `.${path}`);
    // A manifest is the client's: a path that leaves the directory is not written.
    if (!target.startsWith(resolve(directory, "files") + sep)) continue;
    mkdirSync(dirname(target), { recursive: true });
    const blob = world.assets.get(`${accountId}/${file.hash}`);
    writeFileSync(target, Buffer.from(blob?.base64 ?? "", "base64"));
  }
  mkdirSync(join(directory, "files"), { recursive: true });
  // Miniflare reads them where wrangler has them: beside what is served.
  for (const name of ["_headers", "_redirects"]) {
    const rules = assets.config[name];
    if (typeof rules === "string") writeFileSync(join(directory, "files", name), rules);
  }
  writeFileSync(join(directory, ".complete"), "");
}

function assetOptions(world: World, target: HostTarget, directory: string): Partial<WorkerOptions> {
  const { assets, bindings, mainModule, id } = target.runnable;
  if (!assets) return {};
  const place = join(directory, "assets", id);
  writeAssets(world, target.worker.accountId, assets, place);
  const { config } = assets;
  const binding = bindings.find((candidate) => candidate.type === "assets")?.name;
  const runFirst = config["run_worker_first"];
  const handling = {
    ...(typeof config["html_handling"] === "string" ? { html_handling: config["html_handling"] } : {}),
    ...(typeof config["not_found_handling"] === "string"
      ? { not_found_handling: config["not_found_handling"] }
      : {}),
  };
  const options = {
    directory: join(place, "files"),
    workerName: id,
    ...(binding === undefined ? {} : { binding }),
    routerConfig: {
      has_user_worker: mainModule !== undefined,
      ...(runFirst === true ? { invoke_user_worker_ahead_of_assets: true } : {}),
    },
    assetConfig: handling,
  };
  // The handling values are the client's strings; Miniflare's own schema checks them.
  return { assets: options as NonNullable<WorkerOptions["assets"]> };
}

function bindingOptions(world: World, target: HostTarget): Partial<WorkerOptions> {
  const { worker, runnable } = target;
  const values: Record<string, string | number | boolean | null> = {};
  const kvNamespaces: Record<string, string> = {};
  const r2Buckets: Record<string, string> = {};
  const services: Record<string, string> = {};
  const durableObjects: Record<string, { className: string; useSQLite: true }> = {};
  let versionMetadata: string | undefined;
  for (const binding of runnable.bindings) {
    const { name } = binding;
    const text = (field: string): string => String(binding[field]);
    if (binding.type === "plain_text" || binding.type === "secret_text") values[name] = text("text");
    if (binding.type === "json") values[name] = binding["json"] as string;
    if (binding.type === "kv_namespace") kvNamespaces[name] = text("namespace_id");
    if (binding.type === "r2_bucket") {
      const jurisdiction = typeof binding["jurisdiction"] === "string" ? binding["jurisdiction"] : "default";
      r2Buckets[name] = bucketId({ accountId: worker.accountId, jurisdiction, name: text("bucket_name") });
    }
    if (binding.type === "service") {
      const bound = serviceTarget(world, target, text("service"));
      if (bound) services[name] = bound.runnable.id;
    }
    if (binding.type === "durable_object_namespace" && binding["script_name"] === undefined) {
      durableObjects[name] = { className: text("class_name"), useSQLite: true };
    }
    if (binding.type === "version_metadata") versionMetadata = name;
  }
  return {
    bindings: values,
    kvNamespaces,
    r2Buckets,
    serviceBindings: services,
    durableObjects,
    ...(versionMetadata === undefined ? {} : { versionMetadata }),
  };
}

function serviceTarget(world: World, from: HostTarget, service: string): HostTarget | undefined {
  const worker = world.workers.get(workerKey(from.worker.accountId, service));
  const version = worker && servingVersion(world, worker.id);
  return version && { worker, runnable: version };
}

/** A target and everything that its service bindings reach, each once. */
export function closure(world: World, targets: readonly HostTarget[]): HostTarget[] {
  const found = new Map<string, HostTarget>();
  const visit = (target: HostTarget): void => {
    if (found.has(target.runnable.id)) return;
    found.set(target.runnable.id, target);
    for (const binding of target.runnable.bindings) {
      const bound =
        binding.type === "service" ? serviceTarget(world, target, String(binding["service"])) : undefined;
      if (bound) visit(bound);
    }
  };
  for (const target of targets) visit(target);
  return [...found.values()];
}

/**
 * Miniflare's options for one target; its name is the id of the version or deployment, which never changes meaning.
 * Bindings that this runtime cannot provide are left out.
 * @param directory where static assets are laid out
 */
export function workerOptions(world: World, target: HostTarget, directory: string): WorkerOptions {
  const runnable: Runnable & { id: string } = target.runnable;
  const modules = (runnable.contentKey && world.contents.get(runnable.contentKey)) || [];
  return {
    name: runnable.id,
    compatibilityDate: runnable.compatibilityDate ?? "2024-01-01",
    compatibilityFlags: runnable.compatibilityFlags,
    ...codeOf(modules, runnable.mainModule),
    ...bindingOptions(world, target),
    ...assetOptions(world, target, directory),
  } as WorkerOptions;
}
