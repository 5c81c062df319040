/** Cloudflare: the client, physical names and one definition for each type of external resource. */
export { createCloudflareClient } from "./client.ts";
export type { CloudflareClient } from "./client.ts";
export { kvNamespaceTitle, previewName, r2BucketName, workerName } from "./names.ts";
export { domains } from "./domains.ts";
export { kvNamespace } from "./kv-namespace.ts";
export { preview } from "./preview.ts";
export { r2Bucket } from "./r2-bucket.ts";
export { routes } from "./routes.ts";
export { schedules } from "./schedules.ts";
export { worker } from "./worker.ts";
export { workerSubdomain } from "./worker-subdomain.ts";
export type * from "./types.ts";
