export { createCloudflare } from "./cloudflare.ts";
export type { CloudflareOptions, CloudflareSandbox } from "./cloudflare.ts";
