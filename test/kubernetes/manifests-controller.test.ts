/** `flaresmith controller` with the rights that manifests/base gives its service account, and no others. */
import { EventEmitter } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { stringify } from "yaml";
import type { CommandEnvironment } from "../../controller/cli/environment.ts";
import { runCommandLine } from "../../controller/cli/program.ts";
import { systemClock, systemRandom } from "../../controller/runtime/adapters/system.ts";
import type { KubernetesObject } from "../../controller/store/resource-client.ts";
import { systemClock as sandboxClock } from "../../sandbox/core/adapters/system.ts";
import { createSandbox } from "../../sandbox/sandbox.ts";
import { eventually } from "../contract/contract-helpers.ts";
import { installManifests, type Installed } from "./harness/installed.ts";
import { writeKubeconfig } from "./harness/kubeconfig.ts";

const binaries = inject("binaries");
const SYSTEM = "flaresmith-system";
const API_VERSION = "flaresmith.dev/v1alpha1";

describe.skipIf(binaries === undefined)("with the rights of its service account", () => {
  let installed: Installed;
  const sandbox = createSandbox({ context: { clock: sandboxClock() } });
  const signals = new EventEmitter();
  const written = { out: "", err: "" };
  let ended: Promise<number>;
  let ops = "";

  const tokenOf = async (account: string, namespace: string): Promise<string> =>
    (await installed.kubectl.succeed(["create", "token", account, "-n", namespace])).trim();
  const apply = (...objects: object[]): Promise<string> =>
    installed.kubectl.succeed(["apply", "-f", "-"], {
      input: objects.map((object) => stringify(object)).join("---\n"),
    });
  const object = (kind: string, name: string, spec: object): object => ({
    apiVersion: API_VERSION,
    kind,
    metadata: { name, namespace: "team" },
    spec,
  });
  const ready = (kind: string, name: string): Promise<string> =>
    installed.kubectl.succeed([
      "wait",
      "--for=condition=Ready",
      `${kind}/${name}`,
      "-n",
      "team",
      "--timeout=30s",
    ]);
  const named = async (...args: string[]): Promise<KubernetesObject[]> => {
    const text = await installed.kubectl.succeed(["get", ...args, "-o", "json"]);
    return (JSON.parse(text) as { items: KubernetesObject[] }).items;
  };

  beforeAll(async () => {
    installed = await installManifests({
      binaries: binaries ?? "",
      kubectl: inject("kubectl"),
      folder: "base",
    });
    const { kubectl, kubernetes } = installed;
    // What the specification asks for before the first start.
    await kubectl.succeed([
      "create",
      "configmap",
      "flaresmith-installation",
      "-n",
      SYSTEM,
      "--from-literal=id=acme",
    ]);
    const kubeconfig = join(kubernetes.kubeconfig, "../controller.kubeconfig");
    const { client: _, ...server } = kubernetes.admin;
    await writeKubeconfig(kubeconfig, {
      ...server,
      namespace: SYSTEM,
      token: await tokenOf("flaresmith", SYSTEM),
    });
    const started = Promise.withResolvers<string>();
    const environment: CommandEnvironment = {
      terminal: {
        line: (text) => started.resolve((JSON.parse(text) as { ops: string }).ops),
        error: (text) => void (written.err += `${text}\n`),
        raw: (text) => void (written.out += text),
        interactive: false,
        columns: 120,
      },
      clock: systemClock(),
      random: systemRandom(),
      fetch: (input, init) => sandbox.fetch(input, init),
      env: {},
      signals,
      ask: undefined,
      exit: () => undefined,
      version: "0.0.0-test",
    };
    const addresses = ["--ops-address=127.0.0.1:0", "--webhooks-address=127.0.0.1:0"];
    ended = runCommandLine(
      ["controller", "-o", "json", "--kubeconfig", kubeconfig, ...addresses],
      environment,
    );
    void ended.then(() => started.reject(new Error(written.err)));
    ops = await started.promise;

    await kubectl.succeed(["create", "namespace", "team"]);
    const { owner, token } = sandbox.seed.github;
    await kubectl.succeed([
      "create",
      "secret",
      "generic",
      "github",
      "-n",
      "team",
      `--from-literal=token=${token}`,
    ]);
    await apply(
      object("Connection", "github", {
        provider: "GitHub",
        endpoint: sandbox.urls.github,
        account: owner,
        credentials: { secretRef: { name: "github" } },
      }),
      object("Project", "shop", { github: { connectionRef: { name: "github" }, repository: "shop" } }),
      object("Environment", "shop-production", {
        projectRef: { name: "shop" },
        stage: "Production",
        deploy: { branch: "main" },
        github: { variables: [{ name: "STAGE", value: "production" }] },
      }),
    );
  });
  afterAll(async () => {
    signals.emit("SIGTERM", "SIGTERM");
    await ended;
    await installed.stop();
  });

  test("it leads, converges and tells of it", async () => {
    await ready("connection", "github");
    await ready("project", "shop");
    await ready("environment", "shop-production");
    const { repositories } = sandbox.github.state() as { repositories: { name: string }[] };
    expect(repositories.filter(({ name }) => name === "shop")).toHaveLength(1);
    await eventually(async () => {
      const events = await named("events", "-n", "team");
      expect(events.map(({ reason }) => reason as string)).toContain("CreatedExternalResource");
    });
    const lease = await installed.kubectl.succeed(["get", "lease", "flaresmith-controller", "-n", SYSTEM]);
    expect(lease).toContain("flaresmith-controller");
  });

  test("it shows the matrix to whoever may list Environments, and to nobody else", async () => {
    await installed.kubectl.succeed(["create", "serviceaccount", "reader", "-n", "team"]);
    await installed.kubectl.succeed(["create", "serviceaccount", "stranger", "-n", "team"]);
    await installed.kubectl.succeed([
      "create",
      "rolebinding",
      "reader",
      "--clusterrole=flaresmith-viewer",
      "--serviceaccount=team:reader",
      "-n",
      "team",
    ]);
    const ask = async (account: string): Promise<number> => {
      const authorization = `Bearer ${await tokenOf(account, "team")}`;
      return (await fetch(`${ops}/projects/team/shop/environments`, { headers: { authorization } })).status;
    };
    // The controller manager adds the role's rules up in the background, and an answer counts for ten seconds.
    await eventually(async () => expect(await ask("reader")).toBe(200));
    expect([401, 403]).toContain(await ask("stranger"));
  });

  test("what goes leaves a note of what stays", async () => {
    await installed.kubectl.succeed(["delete", "project", "shop", "-n", "team", "--timeout=30s"]);
    expect(await named("environments", "-n", "team")).toEqual([]);
    const notes = await named("configmaps", "-n", "team", "-l", "flaresmith.dev/tombstone");
    expect(notes.map((note) => (note["data"] as Record<string, string>)["owner"])).toContain("Project shop");
  });

  test("it was never refused anything, and hands the lease back", async () => {
    const metrics = await (await fetch(`${ops}/metrics`)).text();
    const requests = metrics.split("\n").filter((line) => line.startsWith("rest_client_requests_total{"));
    expect(requests.length).toBeGreaterThan(3);
    expect(requests.filter((line) => line.includes('code="403"'))).toEqual([]);
    signals.emit("SIGTERM", "SIGTERM");
    expect(await ended).toBe(0);
    expect(written.err).not.toMatch(/forbidden/i);
    const leases = await named("leases", "-n", SYSTEM);
    const holders = leases.map(({ spec }) => (spec as { holderIdentity?: string }).holderIdentity ?? "");
    expect(holders).toEqual([""]);
  });
});
