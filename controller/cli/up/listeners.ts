/** The ops and webhook listeners, at the ports of the last run wherever they are free. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAuthenticator } from "../../apiserver/identity.ts";
import { listen } from "../../http/listen.ts";
import type { Listener } from "../../http/listen.ts";
import { createOpsApp } from "../../http/ops-app.ts";
import type { OpsAppOptions } from "../../http/ops-app.ts";
import { createWebhookApp } from "../../http/webhook-app.ts";
import type { WebhookAppOptions } from "../../http/webhook-app.ts";
import type { Address } from "../process/address.ts";

type Name = "ops" | "webhooks";
type Ports = Partial<Record<Name, number>>;

const fileOf = (directory: string): string => join(directory, "listeners.json");

function rememberedPorts(directory: string): Ports {
  const file = fileOf(directory);
  if (!existsSync(file)) return {};
  try {
    const value = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown> | null;
    const ports = (["ops", "webhooks"] as const).map((name) => [name, value?.[name]] as const);
    return Object.fromEntries(ports.filter(([, port]) => Number.isInteger(port)));
  } catch {
    // A torn file costs new ports, nothing else.
    return {};
  }
}

async function listenAt(
  name: Name,
  fetch: (request: Request) => Response | Promise<Response>,
  { host, port }: Address,
  remembered: number | undefined,
): Promise<Listener> {
  if (port !== undefined) return listen({ name, fetch, host, port });
  if (remembered !== undefined) {
    try {
      return await listen({ name, fetch, host, port: remembered });
    } catch {
      // Somebody else has it now; nobody asked for this one by number.
    }
  }
  return listen({ name, fetch, host, port: 0 });
}

export interface Listeners {
  ops: Listener;
  webhooks: Listener;
}

/** One that stayed open alone would keep a process alive that could not start. */
async function openBoth(
  openOps: () => Promise<Listener>,
  openWebhooks: () => Promise<Listener>,
): Promise<Listeners> {
  const ops = await openOps();
  try {
    return { ops, webhooks: await openWebhooks() };
  } catch (error) {
    await ops.close();
    throw error;
  }
}

/** @throws FlaresmithError REQUEST_INVALID when an address that was asked for cannot be used */
export async function openListeners(options: {
  directory: string;
  opsAddress: Address;
  webhooksAddress: Address;
  /** The API's bearer token; it opens the read API too. */
  token: string;
  ops: Omit<OpsAppOptions, "authenticate">;
  webhooks: WebhookAppOptions;
}): Promise<Listeners> {
  const { directory, token } = options;
  const known = rememberedPorts(directory);
  const authenticator = createAuthenticator([{ token, username: "flaresmith-admin", groups: [] }]);
  const ops = createOpsApp({
    ...options.ops,
    authenticate: (given) => authenticator.identify(`Bearer ${given}`) !== undefined,
  });
  const webhooks = createWebhookApp(options.webhooks);
  const opened = await openBoth(
    () => listenAt("ops", (request) => ops.fetch(request), options.opsAddress, known.ops),
    () => listenAt("webhooks", (request) => webhooks.fetch(request), options.webhooksAddress, known.webhooks),
  );
  const ports: Ports = { ops: opened.ops.port, webhooks: opened.webhooks.port };
  writeFileSync(fileOf(directory), `${JSON.stringify(ports)}\n`, { mode: 0o600 });
  chmodSync(fileOf(directory), 0o600);
  return opened;
}
