import type { NeonService } from "../service.ts";
import { NeonError } from "../errors.ts";
import { timestamp } from "../naming.ts";
import type { NeonApp } from "./route.ts";

/** Regions the sandbox offers (docs "Regions"). */
export const neonRegions: readonly {
  region_id: string;
  name: string;
  default: boolean;
  geo_lat: string;
  geo_long: string;
}[] = Object.freeze([
  {
    region_id: "aws-us-east-1",
    name: "AWS US East 1 (N. Virginia)",
    default: false,
    geo_lat: "38.13",
    geo_long: "-78.45",
  },
  {
    region_id: "aws-us-east-2",
    name: "AWS US East 2 (Ohio)",
    default: true,
    geo_lat: "39.96",
    geo_long: "-83",
  },
  {
    region_id: "aws-us-west-2",
    name: "AWS US West 2 (Oregon)",
    default: false,
    geo_lat: "46.15",
    geo_long: "-123.88",
  },
  {
    region_id: "aws-eu-central-1",
    name: "AWS Europe Central 1 (Frankfurt)",
    default: false,
    geo_lat: "50",
    geo_long: "8",
  },
  {
    region_id: "aws-eu-west-2",
    name: "AWS Europe West 2 (London)",
    default: false,
    geo_lat: "51.51",
    geo_long: "-0.13",
  },
  {
    region_id: "aws-ap-southeast-1",
    name: "AWS Asia Pacific 1 (Singapore)",
    default: false,
    geo_lat: "1.37",
    geo_long: "103.8",
  },
  {
    region_id: "aws-ap-southeast-2",
    name: "AWS Asia Pacific 2 (Sydney)",
    default: false,
    geo_lat: "-33.87",
    geo_long: "151.21",
  },
  {
    region_id: "aws-sa-east-1",
    name: "AWS South America East 1 (São Paulo)",
    default: false,
    geo_lat: "-23.55",
    geo_long: "-46.63",
  },
  {
    region_id: "azure-eastus2",
    name: "Azure East US 2 (Virginia)",
    default: false,
    geo_lat: "36.68",
    geo_long: "-78.37",
  },
]);

/** Who am I, which organizations, which regions. */
export function accountRoutes(app: NeonApp, service: NeonService): void {
  const userId = "6d1f2f5e-5a4f-4b6e-9a53-0c6d0b1a7f10";
  const organization = (orgId: string) => ({
    id: orgId,
    name: orgId.replace(/^org-/, "").replace(/-\d+$/, ""),
    handle: orgId.replace(/^org-/, ""),
    plan: "launch_v3",
    created_at: timestamp(0),
    updated_at: timestamp(0),
    managed_by: "console",
  });
  app.get("/auth", (c) => {
    const key = c.get("key");
    return key.kind === "user"
      ? c.json({ account_id: userId, auth_method: "api_key_user" })
      : c.json({ account_id: key.orgId, auth_method: "api_key_org" });
  });
  const usersOnly = (kind: string): void => {
    if (kind !== "user") throw new NeonError({ status: 404, message: "user not found" });
  };
  app.get("/users/me", (c) => {
    usersOnly(c.get("key").kind);
    return c.json({
      active_seconds_limit: 0,
      auth_accounts: [],
      email: "owner@sandbox.test",
      id: userId,
      image: "",
      login: "sandbox",
      name: "Sandbox",
      last_name: "Owner",
      projects_limit: service.limits.projects,
      branches_limit: service.limits.branchesPerProject,
      max_autoscaling_limit: service.limits.maxComputeUnits,
      plan: "launch_v3",
    });
  });
  app.get("/users/me/organizations", (c) => {
    usersOnly(c.get("key").kind);
    return c.json({ organizations: [organization(c.get("key").orgId)] });
  });
  app.get("/organizations/:organization", (c) => {
    const { orgId } = c.get("key");
    if (c.req.param("organization") !== orgId)
      throw new NeonError({ status: 404, message: "organization not found" });
    return c.json(organization(orgId));
  });
  app.get("/regions", (c) => c.json({ regions: neonRegions }));
}
