/**
 * The main job as it is done at a cluster: manifests/base and the quickstart applied with stock kubectl, one process of
 * `flaresmith controller` with the rights of its service account, and the sandbox with real git, Postgres and Workers as
 * providers.
 */
import { mkdtempSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { stringify } from "yaml";
import { serveSandbox, type ServedSandbox } from "../../sandbox/serve.ts";
import { createRepository, type TestRepository } from "../support/git-repository.ts";
import { httpsServer, serveGit, type HttpsServer } from "../support/https-server.ts";
import { startController, type ControllerProcess } from "./harness/controller-process.ts";
import { installManifests, type Installed } from "./harness/installed.ts";
import { writeKubeconfig } from "./harness/kubeconfig.ts";
import { removeAfterwards } from "./harness/program.ts";
import { until } from "./harness/until.ts";

const binaries = inject("binaries");
const quickstart = join(import.meta.dirname, "../../examples/quickstart");
const SYSTEM = "flaresmith-system";
const LONG = { timeout: 240_000 };

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "main-job-"));
  removeAfterwards(folder);
  return folder;
}

/** A manifest of one of our kinds; its namespace is up to kubectl or the Source. */
function manifest(kind: string, name: string, spec: object): string {
  return stringify({ apiVersion: "flaresmith.dev/v1alpha1", kind, metadata: { name }, spec });
}

describe.skipIf(binaries === undefined)("the main job at a cluster", () => {
  let installed: Installed;
  let providers: ServedSandbox;
  let controller: ControllerProcess;
  /** Where git answers over https, and what lies there. */
  let git: HttpsServer;
  let platform: TestRepository;

  const kubectl = (...args: string[]): Promise<string> => installed.kubectl.succeed(["-n", "team", ...args]);
  const apply = (...manifests: string[]): Promise<string> =>
    installed.kubectl.succeed(["-n", "team", "apply", "-f", "-"], { input: manifests.join("---\n") });
  /** For as long as it takes a busy machine. */
  const wait = (condition: string, ...what: string[]): Promise<string> =>
    kubectl("wait", `--for=${condition}`, ...what, "--timeout=150s");
  const field = (path: string, ...what: string[]): Promise<string> =>
    kubectl("get", ...what, "-o", `jsonpath={${path}}`);

  /** What the Worker at an address says of itself. */
  const ask = (url: string): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const { port } = new URL(providers.addresses.workers.url);
      const call = request({ host: "127.0.0.1", port, headers: { host: new URL(url).host } }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("end", () => resolve(JSON.parse(Buffer.concat(chunks).toString())));
      });
      call.on("error", reject);
      call.end();
    });
  const repositories = (): string[] =>
    (providers.sandbox.github.state() as { repositories: { name: string }[] }).repositories
      .map(({ name }) => name)
      .toSorted();
  const workers = (): string[] =>
    (providers.sandbox.cloudflare.state() as { accounts: { scripts: { name: string }[] }[] }).accounts
      .flatMap(({ scripts }) => scripts.map(({ name }) => name))
      .toSorted();

  beforeAll(async () => {
    installed = await installManifests({
      binaries: binaries ?? "",
      kubectl: inject("kubectl"),
      folder: "base",
    });
    providers = await serveSandbox({
      directory: temporaryFolder(),
      dataPlanes: { git: true, postgres: true, workers: true },
      templates: [{ owner: "acme", name: "worker-template", directory: join(quickstart, "template") }],
    });
    const root = temporaryFolder();
    platform = createRepository(join(root, "platform.git"));
    git = await httpsServer((incoming, answer) => serveGit(root, incoming, answer));

    const { kubernetes } = installed;
    const token = await installed.kubectl.succeed(["create", "token", "flaresmith", "-n", SYSTEM]);
    const kubeconfig = join(kubernetes.kubeconfig, "../controller.kubeconfig");
    const { client: _, ...server } = kubernetes.admin;
    await writeKubeconfig(kubeconfig, { ...server, namespace: SYSTEM, token: token.trim() });
    controller = await startController({
      name: "main-job",
      kubeconfig,
      env: { GIT_SSL_CAINFO: git.authorityFile },
    });

    await installed.kubectl.succeed(["create", "namespace", "team"]);
    const { cloudflare, github, neon, workers: served } = providers.addresses;
    const secrets = [
      ["github", `token=${github.token}`],
      ["neon", `apiKey=${neon.token}`],
      ["cloudflare", `apiToken=${cloudflare.token}`],
    ] as const;
    for (const [name, literal] of secrets)
      await kubectl("create", "secret", "generic", name, `--from-literal=${literal}`);
    const connection = (name: string, provider: string, url: string, account: string, more = {}): string =>
      manifest("Connection", name, {
        provider,
        endpoint: url,
        account,
        credentials: { secretRef: { name } },
        ...more,
      });
    await apply(
      connection("github", "GitHub", github.url, github.account),
      connection("neon", "Neon", neon.url, neon.account),
      connection("cloudflare", "Cloudflare", cloudflare.url, cloudflare.account, {
        workersUrl: `http://{script}.{subdomain}.workers.localhost:${new URL(served.url).port}`,
      }),
    );
  });
  afterAll(async () => {
    await controller.program.stop();
    await providers.stop();
    await git.close();
    await installed.stop();
  });

  test(
    "the quickstart is applied and becomes Ready; its Workers answer with their own databases",
    LONG,
    async () => {
      const applied = await kubectl("apply", "-f", quickstart);
      expect(applied.split("\n").filter((line) => line.endsWith(" created"))).toHaveLength(5);
      await wait("condition=Ready", "connection,project,environment,preview", "--all");
      const url = await field(".status.url", "environment", "shop-production");
      const revision = await field(".status.revision", "environment", "shop-production");
      expect(await ask(url)).toMatchObject({
        environment: "production",
        commit: revision,
        database: { value: "first written by production" },
      });
      expect(await ask(await field(".status.url", "preview", "shop-pr-1"))).toMatchObject({
        environment: "pr-1",
      });
    },
  );

  test("kubectl get shows where things are, and the matrix has them side by side", async () => {
    const environments = (await kubectl("get", "environments")).split("\n");
    expect(environments[0]).toMatch(/^NAME +PROJECT +STAGE +BRANCH +NEON +URL +READY +STATUS +AGE$/);
    expect(environments.slice(1, 4).map((line) => line.split(/ +/).slice(0, 4))).toEqual([
      ["shop-dev", "shop", "Dev", "dev"],
      ["shop-production", "shop", "Production", "main"],
      ["shop-staging", "shop", "Staging", "staging"],
    ]);
    for (const line of environments.slice(1, 4)) expect(line).toMatch(/ http:\/\/\S+ +True +/);

    await kubectl("create", "serviceaccount", "reader");
    await kubectl(
      "create",
      "rolebinding",
      "reader",
      "--clusterrole=flaresmith-viewer",
      "--serviceaccount=team:reader",
    );
    const authorization = `Bearer ${(await kubectl("create", "token", "reader")).trim()}`;
    // The controller manager adds the role's rules up in the background.
    const matrix = await until(
      async () => {
        const answer = await fetch(`${controller.ops}/projects/team/shop/environments`, {
          headers: { authorization },
        });
        const text = await answer.text();
        return answer.status === 200 ? text : undefined;
      },
      () => controller.program.lastWords(),
    );
    for (const name of ["shop-dev", "shop-staging", "shop-production", "shop-pr-1"])
      expect(matrix).toContain(name);
  });

  test("a change that is applied reaches the providers", LONG, async () => {
    await kubectl(
      "patch",
      "environment",
      "shop-staging",
      "--type=merge",
      '-p={"spec":{"cloudflare":{"workers":[{"name":"api","vars":[{"name":"ENVIRONMENT","value":"stage two"}]}]}}}',
    );
    const generation = await field(".metadata.generation", "environment", "shop-staging");
    await wait(`jsonpath={.status.observedGeneration}=${generation}`, "environment/shop-staging");
    await wait("condition=Ready", "environment/shop-staging");
    const url = await field(".status.url", "environment", "shop-staging");
    expect(await ask(url)).toMatchObject({ environment: "stage two" });
  });

  test(
    "a Source in the cluster applies what is committed, follows it, and prunes what is taken out",
    LONG,
    async () => {
      const project = manifest("Project", "blog", {
        github: { connectionRef: { name: "github" }, repository: "blog" },
      });
      const environment = manifest("Environment", "blog-dev", {
        projectRef: { name: "blog" },
        stage: "Dev",
        deploy: { branch: "dev" },
        github: { variables: [{ name: "STAGE", value: "dev" }] },
      });
      const first = platform.commit({ "team/blog.yaml": project, "team/dev.yaml": environment });
      await apply(
        manifest("Source", "platform", { git: { url: `${git.origin}/platform.git` }, path: "./team" }),
      );
      await wait(`jsonpath={.status.appliedRevision}=main@sha1:${first}`, "source/platform");
      await wait("condition=Ready", "source/platform", "project/blog", "environment/blog-dev");
      expect(repositories()).toContain("blog");

      const second = platform.commit({ "team/dev.yaml": null });
      await kubectl("annotate", "source", "platform", "flaresmith.dev/reconcile-requested-at=now");
      await wait(`jsonpath={.status.appliedRevision}=main@sha1:${second}`, "source/platform");
      await wait("delete", "environment/blog-dev");
      expect(await kubectl("get", "environments", "-o", "name")).not.toContain("blog-dev");
      await kubectl("delete", "source", "platform", "--timeout=150s");
      expect(await field(".metadata.labels", "project", "blog")).not.toContain("flaresmith.dev/source");
    },
  );

  test("what is deleted goes, but for what holds data and code, of which a note is left", LONG, async () => {
    await kubectl("delete", "-f", quickstart, "--timeout=150s");
    expect(await kubectl("get", "environments,previews", "-o", "name")).toBe("");
    expect(workers()).toEqual(["shop-api-production"]);
    expect(repositories()).toEqual(["blog", "shop", "worker-template"]);
    const notes = await field(".items[*].data.owner", "configmaps", "-l", "flaresmith.dev/tombstone");
    expect(notes).toContain("Project shop");
    expect(await field(".metadata.name", "project", "blog")).toBe("blog");
  });

  test("asked to end, the process ends in order", async () => {
    await controller.program.stop();
    expect(await controller.program.ended).toBe(0);
    expect(controller.program.log()).not.toMatch(/forbidden/i);
  });
});
