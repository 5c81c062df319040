import { describe, expect, it } from "vitest";
import { routeTemplates } from "./route-templates.ts";

describe("a route in metrics", () => {
  it.each([
    ["github", "/repos/acme/shop", "/repos/{name}/{name}"],
    [
      "github",
      "/api/v3/repos/acme/shop/environments/dev/variables/STAGE",
      "/api/v3/repos/{name}/{name}/environments/{name}/variables/{name}",
    ],
    [
      "github",
      "/repos/acme/shop/actions/secrets/public-key",
      "/repos/{name}/{name}/actions/secrets/public-key",
    ],
    ["github", "/repos/acme/shop/git/refs/heads/feature/x", "/repos/{name}/{name}/git/refs/{rest}"],
    ["github", "/repos/acme/shop/git/matching-refs/heads", "/repos/{name}/{name}/git/matching-refs/{rest}"],
    [
      "neon",
      "/api/v2/projects/damp-meadow-1/branches/br-x/databases/app",
      "/api/v2/projects/{name}/branches/{name}/databases/{name}",
    ],
    [
      "cloudflare",
      "/client/v4/accounts/0a/workers/scripts/shop-api/subdomain",
      "/client/v4/accounts/{name}/workers/scripts/{name}/subdomain",
    ],
    [
      "cloudflare",
      "/client/v4/accounts/0a/workers/workers/shop-api/previews/pr-1",
      "/client/v4/accounts/{name}/workers/workers/{name}/previews/{name}",
    ],
  ])("%s %s", (provider, path, template) => {
    expect(routeTemplates[provider]?.("GET", path)).toBe(template);
  });
});
