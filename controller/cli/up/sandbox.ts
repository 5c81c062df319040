/** The local GitHub, Neon and Cloudflare beside the controller, and the Connections that lead to them. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { SandboxAddresses, ServedSandbox, serveSandbox } from "../../../sandbox/serve.ts";
import type { Fetch } from "../../runtime/clock.ts";
import { keyedHash } from "../../runtime/hash.ts";
import type { KubernetesObject, ResourceClient } from "../../store/resource-client.ts";
import { CommandError } from "../failure.ts";
import { connectionType } from "../types.ts";
import type { EphemeralSecret } from "./credentials.ts";

export interface Template {
  owner: string;
  name: string;
  directory: string;
}

/** The quickstart's template is there for everybody who starts the sandbox from the repository. */
const quickstartTemplate: Template = Object.freeze({
  owner: "acme",
  name: "worker-template",
  directory: fileURLToPath(new URL("../../../examples/quickstart/template", import.meta.url)),
});

/**
 * Reads `owner/name=DIRECTORY`, as `--template` takes it; the quickstart's template comes with them where it exists.
 * @throws CommandError for another form and for a directory that does not exist
 */
export function readTemplates(texts: readonly string[]): Template[] {
  const given = texts.map((text) => {
    const [, owner, name, path] = /^([A-Za-z0-9-]+)\/([A-Za-z0-9._-]+)=(.+)$/.exec(text) ?? [];
    if (owner === undefined || name === undefined || path === undefined) {
      throw new CommandError(`--template ${JSON.stringify(text)} is not understood`, {
        hint: "Write owner/name=DIRECTORY, such as acme/worker-template=./template.",
        exitCode: 2,
      });
    }
    const directory = resolve(path);
    if (!existsSync(directory)) {
      throw new CommandError(`--template ${text}: the directory ${directory} does not exist`, {
        hint: "Name a directory with the files of the template repository.",
      });
    }
    return { owner, name, directory };
  });
  const named = given.some(
    ({ owner, name }) => owner === quickstartTemplate.owner && name === quickstartTemplate.name,
  );
  return named || !existsSync(quickstartTemplate.directory) ? given : [quickstartTemplate, ...given];
}

/** @throws CommandError when the sandbox is not installed, or does not start */
export async function startSandbox(options: {
  directory: string;
  addressesFile: string;
  templates: readonly Template[];
  log: (line: string) => void;
}): Promise<ServedSandbox> {
  const { directory, addressesFile, log, templates } = options;
  let serve: typeof serveSandbox;
  try {
    // Loaded here only: it brings a Postgres and a Workers runtime along, which nobody else needs.
    ({ serveSandbox: serve } = await import("../../../sandbox/serve.ts"));
  } catch (error) {
    throw new CommandError("the sandbox is not installed here", {
      hint: "It is part of the repository, not of the package: clone the repository and run npm start there.",
      cause: error,
    });
  }
  try {
    return await serve({
      directory,
      addressesFile,
      dataPlanes: { git: true, postgres: true, workers: true },
      templates,
      log,
    });
  } catch (error) {
    throw new CommandError(
      `the sandbox does not start: ${error instanceof Error ? error.message : String(error)}`,
      {
        hint: `Its files lie in ${directory}; flaresmith.log beside them says more.`,
        cause: error,
      },
    );
  }
}

/** Where deployed Workers answer, as a Connection's `workersUrl` says it. */
function workersUrl(addresses: SandboxAddresses): string {
  return `http://{script}.{subdomain}.workers.localhost:${new URL(addresses.workers.url).port}`;
}

/**
 * The sandbox's credentials as Secrets. The webhook secret follows from its GitHub's token, so that it stays the same
 * as long as the sandbox does.
 */
export function sandboxSecrets(addresses: SandboxAddresses): EphemeralSecret[] {
  const webhookSecret = keyedHash(addresses.github.token, "sandbox-webhook");
  const origin = "--sandbox";
  return [
    { name: "env-github", data: { token: addresses.github.token, webhookSecret }, origin },
    { name: "env-neon", data: { apiKey: addresses.neon.token }, origin },
    { name: "env-cloudflare", data: { apiToken: addresses.cloudflare.token }, origin },
  ];
}

/** Connections `github`, `neon` and `cloudflare` of namespace `default` to the sandbox; unchanged ones are not written. */
export async function ensureSandboxConnections(
  client: ResourceClient,
  addresses: SandboxAddresses,
): Promise<void> {
  const { cloudflare, github, neon } = addresses;
  const connections = [
    { name: "github", provider: "GitHub", endpoint: github.url, account: github.account },
    { name: "neon", provider: "Neon", endpoint: neon.url, account: neon.account },
    {
      name: "cloudflare",
      provider: "Cloudflare",
      endpoint: cloudflare.url,
      account: cloudflare.account,
      workersUrl: workersUrl(addresses),
    },
  ];
  for (const { name, ...spec } of connections) {
    const connection: KubernetesObject = {
      apiVersion: "flaresmith.dev/v1alpha1",
      kind: "Connection",
      metadata: { name, namespace: "default" },
      spec: { ...spec, credentials: { secretRef: { name: `env-${name}` } } },
    };
    await client.apply(connectionType, connection, { fieldManager: "flaresmith-up", force: true });
  }
}

/**
 * A fetch that reaches the sandbox and nothing else: whatever a manifest says, a run with `--sandbox` changes nothing at
 * a real provider.
 */
export function onlySandbox(fetch: Fetch, addresses: SandboxAddresses): Fetch {
  const origins = new Set(
    [addresses.github, addresses.neon, addresses.cloudflare, addresses.workers].map(
      ({ url }) => new URL(url).origin,
    ),
  );
  return (input, init) => {
    const { origin } = new URL(input instanceof Request ? input.url : input);
    if (origins.has(origin)) return fetch(input, init);
    return Promise.reject(
      new TypeError(`${origin} is not part of the sandbox, and a run with --sandbox reaches nothing else`),
    );
  };
}

/** Where the sandbox of a data directory lies. */
export function sandboxDirectory(dataDirectory: string, chosen: string | undefined): string {
  return chosen === undefined ? join(dataDirectory, "sandbox") : resolve(chosen);
}
