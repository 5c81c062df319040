import { createHash } from "node:crypto";
import type { Hono } from "hono";
import type { SandboxHono } from "../core/provider.ts";
import { authenticate } from "./access.ts";
import { failure, success } from "./envelope.ts";
import type { CloudflareRequest } from "./envelope.ts";
import type { AccountOptions, ZoneOptions } from "./model.ts";
import { pageNumbered } from "./paging.ts";
import { formatTime } from "./world.ts";
import type { World } from "./world.ts";

const epoch = formatTime(Date.UTC(2024, 0, 1));

function describeAccount(account: AccountOptions): Record<string, unknown> {
  return {
    id: account.id,
    name: account.name,
    type: "standard",
    settings: { enforce_twofactor: false },
    created_on: epoch,
  };
}

function describeZone(world: World, zone: ZoneOptions): Record<string, unknown> {
  const account = world.options.accounts.find((candidate) => candidate.id === zone.accountId);
  return {
    id: zone.id,
    name: zone.name,
    status: "active",
    paused: false,
    type: "full",
    development_mode: 0,
    name_servers: ["ada.ns.cloudflare.com", "bob.ns.cloudflare.com"],
    account: { id: zone.accountId, name: account?.name ?? "" },
    created_on: epoch,
    modified_on: epoch,
    activated_on: epoch,
  };
}

function verify(world: World, c: CloudflareRequest): Response {
  const token = authenticate(world, c);
  // A stable id that does not give the token away.
  const id = createHash("sha256").update(token.token).digest("hex").slice(0, 32);
  const messages = [{ code: 10000, message: "This API Token is valid and active", type: null }];
  const body = { result: { id, status: "active" }, success: true, errors: [], messages };
  return new Response(JSON.stringify(body), { status: 200, headers: { "content-type": "application/json" } });
}

/** Tokens, accounts and zones: read only, set up by the sandbox's options. */
export function accountRoutes(app: Hono<SandboxHono>, world: World): void {
  const reachable = (c: CloudflareRequest): readonly string[] => authenticate(world, c).accounts;
  app.get("/user/tokens/verify", (c) => verify(world, c));
  app.get("/accounts/:account/tokens/verify", (c) => verify(world, c));
  app.get("/accounts", (c) => {
    const ids = reachable(c);
    const name = c.req.query("name");
    const accounts = world.options.accounts.filter(
      (account) => ids.includes(account.id) && (!name || account.name === name),
    );
    return pageNumbered(c, accounts.map(describeAccount));
  });
  app.get("/accounts/:account", (c) => {
    const account = world.options.accounts.find((candidate) => candidate.id === c.req.param("account"));
    if (!account) throw failure(404, 1001, "Account not found");
    return success(describeAccount(account));
  });
  app.get("/zones", (c) => {
    const ids = reachable(c);
    const name = c.req.query("name");
    const account = c.req.query("account.id");
    const zones = world.options.zones
      .filter((zone) => ids.includes(zone.accountId))
      .filter((zone) => (!name || zone.name === name) && (!account || zone.accountId === account));
    return pageNumbered(
      c,
      zones.map((zone) => describeZone(world, zone)),
      { maximum: 50 },
    );
  });
  app.get("/zones/:zone", (c) => {
    const zone = world.options.zones.find((candidate) => candidate.id === c.req.param("zone"));
    if (!zone) throw failure(400, 1001, "Invalid zone identifier");
    return success(describeZone(world, zone));
  });
}
