/**
 * What each Cloudflare definition is given and what it hands on. Members that are `undefined` are not managed. Times are
 * as Cloudflare writes them.
 */
import type { SecretValue } from "../../controller/runtime/secret-value.ts";

/** A file of a bundle, its path relative to the bundle's directory (or its own name), always with `/`. */
export interface BundleFile {
  path: string;
  content: Uint8Array;
}

export interface BundleModule {
  /** Path relative to the directory of the main module. */
  name: string;
  contentType:
    | "application/javascript+module"
    | "application/javascript"
    | "application/wasm"
    | "text/plain"
    | "application/octet-stream";
  content: Uint8Array;
}

export interface BundleAsset {
  /** 32 hexadecimal characters, of content and extension. */
  hash: string;
  contentType: string;
  content: Uint8Array;
}

export interface BundleAssets {
  /** By path, with leading slash. */
  files: Readonly<Record<string, BundleAsset>>;
  /** Name of the binding through which the code reaches them. */
  binding: string | undefined;
  /** As Cloudflare's upload takes it: html_handling, not_found_handling, run_worker_first, _headers, _redirects. */
  config: Readonly<Record<string, unknown>>;
}

/** As Cloudflare takes it; only what the bundle sets. */
export type Observability = Readonly<Record<string, unknown>>;

/** A Worker's code with the configuration that belongs to code. Serialises and hashes as its digest. */
export interface Bundle {
  /** Undefined for a Worker of static assets only. */
  mainModule: string | undefined;
  modules: readonly BundleModule[];
  assets: BundleAssets | undefined;
  /** `YYYY-MM-DD`. */
  compatibilityDate: string;
  /** Sorted. */
  compatibilityFlags: readonly string[];
  observability: Observability | undefined;
  /** SHA-256 in hexadecimal: equal bundles, equal digests. */
  digest: string;
  toJSON(): string;
}

/** Inside Cloudflare's upload this is `{type, name, namespace_id | bucket_name | service}`. */
export interface WorkerBinding {
  /** Name that the code uses. */
  name: string;
  type: "kv_namespace" | "r2_bucket" | "service";
  /** Id of the KV namespace, name of the R2 bucket, or script name of the Worker. */
  target: string;
}

export interface WorkerDesired {
  accountId: string;
  scriptName: string;
  bundle: Bundle;
  vars: Readonly<Record<string, string>>;
  secrets: Readonly<Record<string, SecretValue>>;
  bindings: readonly WorkerBinding[];
  /** `Preserve` keeps bindings that others put on the Worker. */
  bindingsPolicy: "Preserve" | "Exclusive";
  /** The commit the bundle is of; shown as the version's tag. */
  revision: string;
  /** Shown as the version's message; at most 1000 bytes of it. Not compared. */
  message?: string | undefined;
}

/** A binding as the API shows it; values of secrets never come back. */
export interface ObservedBinding {
  name: string;
  type: string;
  /** Text of a `plain_text` binding, or target of one of ours; undefined for what the spec cannot say. */
  value: string | undefined;
}

export interface WorkerObserved {
  scriptName: string;
  /** Immutable id, the script's `tag`. */
  id: string;
  /** Hash of the code that serves. */
  etag: string;
  modifiedOn: string;
  /** Every tag, ours and others'. */
  tags: readonly string[];
  /** Hash of what we uploaded last, from our tag. */
  specHash: string | undefined;
  /** What the version that serves says of itself, empty when nothing; undefined when not looked at (shallow). */
  uploadHash: string | undefined;
  compatibilityDate: string | undefined;
  compatibilityFlags: readonly string[] | undefined;
  observability: Observability | undefined;
  /** Undefined when not looked at (shallow). */
  bindings: readonly ObservedBinding[] | undefined;
  /** Id of the version that serves; undefined when not looked at, which needs a reason (see worker.ts). */
  version: string | undefined;
  /** Settings that the spec cannot say, as Cloudflare gave them; sent back with every upload. Undefined when shallow. */
  otherSettings: Readonly<Record<string, unknown>> | undefined;
}

/** Outputs of `worker`. */
export interface WorkerOutputs extends Record<string, unknown> {
  scriptName: string;
  id: string;
  revision: string;
}

export interface WorkerSubdomainDesired {
  accountId: string;
  scriptName: string;
  enabled: boolean;
  /** Whether its Worker Previews answer under workers.dev; not managed when undefined. */
  previewsEnabled?: boolean | undefined;
  /** Id of the Worker, from its outputs: another Worker of the same name is looked at anew. */
  workerId?: string | undefined;
}

export interface WorkerSubdomainObserved {
  /** Undefined when not looked at (shallow). */
  enabled: boolean | undefined;
  /** Undefined when not looked at (shallow). */
  previewsEnabled: boolean | undefined;
  /** Where the Worker answers when enabled; undefined when the account has no workers.dev subdomain. */
  url: string | undefined;
}

/** Outputs of `workerSubdomain`: no `url` while it is disabled. */
export interface WorkerSubdomainOutputs extends Record<string, unknown> {
  url?: string;
}

export interface SchedulesDesired {
  accountId: string;
  scriptName: string;
  /** All of them: others are removed. */
  crons: readonly string[];
  /** Id of the Worker, from its outputs: another Worker of the same name is looked at anew. */
  workerId?: string | undefined;
}

export interface SchedulesObserved {
  /** Undefined when not looked at (shallow). */
  crons: readonly string[] | undefined;
}

export interface RoutesDesired {
  accountId: string;
  scriptName: string;
  routes: readonly { pattern: string; zone: string }[];
}

export interface ObservedRoute {
  id: string;
  zoneId: string;
  zone: string;
  pattern: string;
  /** Undefined: requests bypass Workers there. */
  script: string | undefined;
}

export interface RoutesObserved {
  /** Of the zones that the spec or the inventory names; those of other scripts too. */
  routes: readonly ObservedRoute[];
}

export interface DomainsDesired {
  accountId: string;
  scriptName: string;
  domains: readonly { hostname: string; zone: string }[];
}

export interface ObservedDomain {
  id: string;
  hostname: string;
  zone: string;
  service: string;
}

export interface DomainsObserved {
  /** Every custom domain of the account. */
  domains: readonly ObservedDomain[];
}

/** Outputs of `domains`: `https://` URLs in the order of the spec. */
export interface DomainsOutputs extends Record<string, unknown> {
  urls: readonly string[];
}

export interface KvNamespaceDesired {
  accountId: string;
  title: string;
}

/** Outputs of `kvNamespace`; `id` is the target of a `kv_namespace` binding. */
export interface KvNamespaceOutputs extends Record<string, unknown> {
  id: string;
  title: string;
}

export interface R2BucketDesired {
  accountId: string;
  name: string;
}

/** Outputs of `r2Bucket`; `name` is the target of an `r2_bucket` binding. */
export interface R2BucketOutputs extends Record<string, unknown> {
  name: string;
}

export interface PreviewDesired {
  accountId: string;
  /** Script name of the Worker whose preview it is; it must exist. */
  workerName: string;
  previewName: string;
  bundle: Bundle;
  vars: Readonly<Record<string, string>>;
  secrets: Readonly<Record<string, SecretValue>>;
  bindings: readonly WorkerBinding[];
  revision: string;
  /** Shown as the deployment's message; at most 100 characters of it. Not compared. */
  message?: string | undefined;
}

export interface PreviewObserved {
  id: string;
  name: string;
  slug: string;
  /** Undefined when the account has no workers.dev subdomain. */
  url: string | undefined;
  tags: readonly string[];
  observability: Observability | undefined;
  specHash: string | undefined;
  updatedOn: string;
  /** The deployment that serves; undefined when nothing was deployed yet, or when not looked at (shallow). */
  deployment:
    | {
        id: string;
        compatibilityDate: string | undefined;
        compatibilityFlags: readonly string[];
        bindings: readonly ObservedBinding[];
        /** What it says of itself; empty when nothing. */
        uploadHash: string;
      }
    | undefined;
  /** Whether anything was ever deployed. */
  deployed: boolean;
}

/** Outputs of `preview`. The URL answers once `previewsEnabled` is set on the Worker's subdomain. */
export interface PreviewOutputs extends Record<string, unknown> {
  /** Missing when the account has no workers.dev subdomain. */
  url?: string;
  id: string;
  slug: string;
  revision: string;
}
