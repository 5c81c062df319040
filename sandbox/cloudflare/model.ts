/** What the emulated account remembers. Times are ISO 8601 strings with microseconds, ids as Cloudflare shapes them. */

export interface AccountOptions {
  id: string;
  name: string;
  /** The account's workers.dev subdomain; null when none was registered yet. */
  workersSubdomain: string | null;
  /** Whether R2 was enabled in the dashboard. Default true */
  r2?: boolean;
}

export interface ZoneOptions {
  id: string;
  name: string;
  accountId: string;
  /** Host names that have DNS records which no Worker manages. Default: none */
  dnsRecords?: string[];
}

export interface TokenOptions {
  token: string;
  /** Ids of the accounts that the token reaches. */
  accounts: string[];
  /** Permission group names (`Workers Scripts Write`, …); every permission when left out. */
  permissions?: string[];
}

/** A binding as uploaded, secrets included. */
export interface Binding {
  name: string;
  type: string;
  [field: string]: unknown;
}

export interface Module {
  name: string;
  contentType: string;
  base64: string;
}

interface AssetFile {
  hash: string;
  size: number;
}

export interface Assets {
  /** Path (with leading slash) -> blob. */
  manifest: Record<string, AssetFile>;
  config: Record<string, unknown>;
}

/** What can run: code, bindings and the settings that belong to them. */
export interface Runnable {
  mainModule?: string;
  /** Key of the modules in the `content` collection; absent for a Worker of assets only. */
  contentKey?: string;
  /** SHA-256 of the modules. */
  etag: string;
  handlers: string[];
  bindings: Binding[];
  compatibilityDate?: string;
  compatibilityFlags: string[];
  limits?: unknown;
  placement?: unknown;
  usageModel: string;
  assets?: Assets;
}

export interface Version extends Runnable {
  id: string;
  number: number;
  createdOn: string;
  source: string;
  annotations: Record<string, string>;
}

export interface Deployment {
  id: string;
  createdOn: string;
  source: string;
  annotations: Record<string, string>;
  versions: { versionId: string; percentage: number }[];
}

interface Schedule {
  cron: string;
  createdOn: string;
  modifiedOn: string;
}

interface WorkerSubdomain {
  enabled: boolean;
  previewsEnabled: boolean;
}

export interface Worker {
  /** Immutable id; the script's `tag`. */
  id: string;
  accountId: string;
  name: string;
  createdOn: string;
  modifiedOn: string;
  tags: string[];
  logpush: boolean;
  observability?: unknown;
  tailConsumers: unknown[];
  subdomain: WorkerSubdomain;
  schedules: Schedule[];
  /** Durable Object classes that migrations declared. */
  durableObjectClasses: string[];
  migrationTag?: string;
  previewsBaseConfig: Record<string, unknown>;
  lastDeployedFrom: string;
}

export interface Preview {
  id: string;
  workerId: string;
  accountId: string;
  name: string;
  slug: string;
  tags: string[];
  observability?: unknown;
  logpush: boolean;
  tailConsumers: unknown[];
  /** The base configuration's deployment layer, copied when the preview was made. */
  base: Record<string, unknown>;
  createdOn: string;
  updatedOn: string;
  deployedOn: string | null;
}

export interface PreviewDeployment extends Runnable {
  id: string;
  number: number;
  shortId: string;
  previewId: string;
  createdOn: string;
  source: string;
  annotations: Record<string, string>;
  migrationTag?: string;
}

export interface Route {
  id: string;
  zoneId: string;
  pattern: string;
  script: string | null;
}

export interface CustomDomain {
  id: string;
  accountId: string;
  hostname: string;
  service: string;
  environment: string;
  zoneId: string;
  zoneName: string;
  certId: string;
  productionEnabled: boolean;
  previewsEnabled: boolean;
}

export interface KvNamespace {
  id: string;
  accountId: string;
  title: string;
}

export interface KvValue {
  base64: string;
  metadata?: unknown;
  /** Seconds since the epoch. */
  expiration?: number;
}

export interface R2Bucket {
  accountId: string;
  name: string;
  jurisdiction: string;
  location: string;
  storageClass: string;
  createdOn: string;
}

export interface ResourceTags {
  type: string;
  id: string;
  /** `accounts/<id>` or `zones/<id>`. */
  scope: string;
  tags: Record<string, string>;
  etag: string;
  updatedOn: string;
}

export interface AssetSession {
  id: string;
  accountId: string;
  script: string;
  manifest: Record<string, AssetFile>;
  missing: string[];
}
