export { createCloudflare } from "./cloudflare.ts";
export type { CloudflareOptions, CloudflareSandbox } from "./cloudflare.ts";
export type { AccountOptions, TokenOptions, ZoneOptions } from "./model.ts";
export type { WorkersDataPlane } from "./workers-data-plane.ts";
