/**
 * Stock kubectl against the embedded API. FLARESMITH_KUBECTL names the binary; `test/kubectl/build.sh` builds one.
 * Every test types what a person would and reads what that person would see.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serveApi, type ServedApi } from "../../controller/apiserver/serve-api.ts";
import { systemClock, systemRandom } from "../../controller/runtime/adapters/system.ts";
import {
  builtinTypes,
  kindType,
  openEmbeddedStore,
  type EmbeddedStore,
} from "../../controller/store/embedded/index.ts";
import type { KubernetesObject } from "../../controller/store/resource-client.ts";
import { kinds } from "../../crds/index.ts";
import { startTinyController } from "./tiny-controller.ts";

const kubectl = process.env["FLARESMITH_KUBECTL"];
if (kubectl === undefined) {
  process.stderr.write(
    "kubectl.test.ts is skipped: set FLARESMITH_KUBECTL to a kubectl binary (test/kubectl/build.sh builds one)\n",
  );
}

interface Ran {
  code: number;
  out: string;
  err: string;
}

const project = (extra = ""): string => `apiVersion: flaresmith.dev/v1alpha1
kind: Project
metadata:
  name: shop
  labels: {team: web}
spec:
  github:
    connectionRef: {name: github}
    repository: shop
${extra}`;

describe.skipIf(kubectl === undefined)("stock kubectl", { timeout: 60_000 }, () => {
  let directory = "";
  let store: EmbeddedStore;
  let api: ServedApi;
  let release: () => void;
  const stop = new AbortController();
  const types = [...builtinTypes, ...kinds.map(kindType)];
  const projectType = {
    group: "flaresmith.dev",
    version: "v1alpha1",
    kind: "Project",
    plural: "projects",
    namespaced: true,
  };

  const run = (args: readonly string[], options: { input?: string; editor?: string } = {}): Promise<Ran> =>
    new Promise((resolve) => {
      const child = execFile(
        kubectl ?? "kubectl",
        [...args],
        {
          env: {
            PATH: process.env["PATH"] ?? "",
            HOME: directory,
            KUBECONFIG: api.kubeconfig,
            ...(options.editor === undefined ? {} : { KUBE_EDITOR: options.editor }),
          },
        },
        (error, out, err) =>
          resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : -1, out, err }),
      );
      child.stdin?.end(options.input ?? "");
    });
  const succeed = async (
    args: readonly string[],
    options?: { input?: string; editor?: string },
  ): Promise<string> => {
    const ran = await run(args, options);
    expect(`${ran.code} ${ran.err}`, args.join(" ")).toMatch(/^0 /);
    return ran.out;
  };
  const stored = (): Promise<KubernetesObject> =>
    store.get(projectType, { namespace: "default", name: "shop" });
  const specOf = async (): Promise<Record<string, Record<string, unknown>>> =>
    (await stored())["spec"] as Record<string, Record<string, unknown>>;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "kubectl-"));
    const clock = systemClock();
    const random = systemRandom();
    store = await openEmbeddedStore({ path: ":memory:", clock, random, types });
    api = await serveApi({ directory, store, clock, random });
    ({ release } = startTinyController({ store, type: projectType, signal: stop.signal }));
  });

  afterAll(async () => {
    stop.abort();
    await api.close();
    await store.close();
    await rm(directory, { recursive: true, force: true });
  });

  test("the kubeconfig is readable by its owner alone", async () => {
    expect((await stat(api.kubeconfig)).mode & 0o777).toBe(0o600);
  });

  test("api-resources lists our kinds with their short names", async () => {
    const out = await succeed(["api-resources", "--api-group=flaresmith.dev", "--no-headers"]);
    expect(out).toMatch(/^projects\s+proj\s+flaresmith\.dev\/v1alpha1\s+true\s+Project$/m);
    expect(out.trim().split("\n")).toHaveLength(kinds.length);
  });

  test("apply creates, a second apply changes nothing", async () => {
    expect(await succeed(["apply", "-f", "-"], { input: project() })).toBe(
      "project.flaresmith.dev/shop created\n",
    );
    expect(await succeed(["wait", "--for=condition=Ready", "project/shop", "--timeout=20s"])).toBe(
      "project.flaresmith.dev/shop condition met\n",
    );
    const { resourceVersion } = (await stored()).metadata;
    expect(await succeed(["apply", "-f", "-"], { input: project() })).toBe(
      "project.flaresmith.dev/shop unchanged\n",
    );
    expect((await stored()).metadata.resourceVersion).toBe(resourceVersion);
  });

  test("get shows the columns, wide more of them, and by short name and category", async () => {
    const [header = "", row = ""] = (await succeed(["get", "proj"])).split("\n");
    expect(header.split(/\s{2,}/)).toContain("READY");
    expect(row).toMatch(/^shop .*True\s+everything is as declared/);
    expect((await succeed(["get", "projects", "-o", "wide"])).length).toBeGreaterThan(
      header.length + row.length,
    );
    expect(await succeed(["get", "flaresmith", "-o", "name"])).toBe("project.flaresmith.dev/shop\n");
    expect((await succeed(["get", "projects,environments,previews"])).trim().split("\n")).toHaveLength(2);
  });

  test("get answers yaml, json, jsonpath and label selection", async () => {
    expect(await succeed(["get", "project", "shop", "-o", "yaml"])).toContain("repository: shop");
    const json = JSON.parse(await succeed(["get", "project", "shop", "-o", "json"])) as KubernetesObject;
    expect(json.metadata.labels).toEqual({ team: "web" });
    expect(await succeed(["get", "project", "shop", "-o", "jsonpath={.spec.github.repository}"])).toBe(
      "shop",
    );
    expect(await succeed(["get", "projects", "-l", "team in (web)", "-o", "name"])).toContain("shop");
    expect((await run(["get", "projects", "-l", "team!=web"])).err).toBe(
      "No resources found in default namespace.\n",
    );
    expect((await run(["get", "project", "none"])).err).toBe(
      'Error from server (NotFound): projects.flaresmith.dev "none" not found\n',
    );
  });

  test("describe shows the status and the events; events lists them", async () => {
    const out = await succeed(["describe", "project", "shop"]);
    expect(out).toMatch(/Message:\s+everything is as declared/);
    expect(out).toMatch(/Normal\s+Converged\s+.*tiny-controller\s+made it so/);
    expect(await succeed(["events", "--for", "project/shop"])).toMatch(
      /Normal\s+Converged\s+Project\/shop\s+made it so/,
    );
    expect(await succeed(["get", "events", "-o", "wide"])).toMatch(/Converged\s+project\/shop/);
  });

  test("diff shows the change and exits 1, and nothing is stored", async () => {
    const { code, out } = await run(["diff", "-f", "-"], { input: project("    description: changed\n") });
    expect(code).toBe(1);
    expect(out).toMatch(/^\+ {4}description: changed$/m);
    expect((await specOf())["github"]).not.toHaveProperty("description");
    expect((await run(["diff", "-f", "-"], { input: project() })).code).toBe(0);
  });

  test("apply --server-side reports a conflict with its manager and field, and can force it", async () => {
    const mine = ["apply", "--server-side", "--field-manager=mine", "-f", "-"];
    expect(await succeed(mine, { input: project("    description: mine\n") })).toContain(
      "serverside-applied",
    );
    const theirs = ["apply", "--server-side", "--field-manager=theirs", "-f", "-"];
    const refused = await run(theirs, { input: project("    description: theirs\n") });
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('conflict with "mine": .spec.github.description');
    expect((await specOf())["github"]).toHaveProperty("description", "mine");
    await succeed([...theirs, "--force-conflicts"], { input: project("    description: theirs\n") });
    expect((await specOf())["github"]).toHaveProperty("description", "theirs");
  });

  test("edit stores what the editor changed", async () => {
    expect(await succeed(["edit", "project", "shop"], { editor: "sed -i s/theirs/edited/" })).toContain(
      "edited",
    );
    expect((await specOf())["github"]).toHaveProperty("description", "edited");
  });

  test("patch takes merge and json; strategic is refused as for every custom resource", async () => {
    await succeed([
      "patch",
      "project",
      "shop",
      "--type=merge",
      "-p",
      '{"spec":{"github":{"description":"merged"}}}',
    ]);
    expect((await specOf())["github"]).toHaveProperty("description", "merged");
    const body = '[{"op":"replace","path":"/spec/github/description","value":"replaced"}]';
    await succeed(["patch", "project", "shop", "--type=json", "-p", body]);
    expect((await specOf())["github"]).toHaveProperty("description", "replaced");
    const strategic = await run([
      "patch",
      "project",
      "shop",
      "-p",
      '{"spec":{"github":{"description":"x"}}}',
    ]);
    expect(strategic.code).toBe(1);
    expect(strategic.err).toContain(
      "application/strategic-merge-patch+json is not supported by flaresmith.dev/v1alpha1, Kind=Project",
    );
  });

  test("label and annotate", async () => {
    await succeed(["label", "project", "shop", "tier=one"]);
    await succeed(["annotate", "project", "shop", "flaresmith.dev/reconcile-requested-at=now"]);
    const { labels, annotations } = (await stored()).metadata;
    expect(labels).toMatchObject({ tier: "one" });
    expect(annotations).toMatchObject({ "flaresmith.dev/reconcile-requested-at": "now" });
  });

  test("an unknown field is refused with its path, on apply and on create", async () => {
    const refused = await run(["apply", "-f", "-"], {
      input: project("  ttll: 3h\n").replace("name: shop", "name: wrong"),
    });
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('strict decoding error: unknown field "spec.ttll"');
    const warned = await run(["create", "--dry-run=server", "--validate=warn", "-f", "-"], {
      input: project("  ttll: 3h\n").replace("name: shop", "name: wrong"),
    });
    expect(warned).toMatchObject({ code: 0 });
    expect(warned.err).toContain('Warning: unknown field "spec.ttll"');
    expect((await run(["get", "project", "wrong"])).code).toBe(1);
  });

  test("a value of the wrong type is refused with its path", async () => {
    const refused = await run([
      "patch",
      "project",
      "shop",
      "--type=merge",
      "-p",
      '{"spec":{"suspend":"yes"}}',
    ]);
    expect(refused.err).toContain(
      'spec.suspend: Invalid value: "string": spec.suspend in body must be of type boolean: "string"',
    );
  });

  test("explain reads our descriptions", async () => {
    const out = await succeed(["explain", "project.spec.neon"]);
    expect(out).toMatch(/^GROUP:\s+flaresmith\.dev$/m);
    expect(out).toMatch(/^ {2}region\s+<string>/m);
    expect(await succeed(["explain", "project", "--recursive"])).toMatch(/\s+repository\s+<string>/);
  });

  test("create secret and configmap, patch and edit a secret", async () => {
    await succeed(["create", "secret", "generic", "github", "--from-literal=token=one"]);
    await succeed(["create", "configmap", "settings", "--from-literal=a=b"]);
    await succeed(["patch", "secret", "github", "-p", '{"stringData":{"token":"two"}}']);
    const token = await succeed(["get", "secret", "github", "-o", "jsonpath={.data.token}"]);
    expect(Buffer.from(token, "base64").toString()).toBe("two");
    expect(await succeed(["edit", "secret", "github"], { editor: "sed -i s/dHdv/dHdvMg==/" })).toContain(
      "edited",
    );
    expect(await succeed(["get", "secrets", "--no-headers"])).toMatch(/^github\s+Opaque\s+1\s/);
    expect(await succeed(["get", "configmaps", "--no-headers"])).toMatch(/^settings\s+1\s/);
  });

  test("auth can-i and whoami answer", async () => {
    expect(await succeed(["auth", "can-i", "create", "projects"])).toBe("yes\n");
    expect(await succeed(["auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"])).toBe(
      "flaresmith-admin",
    );
    expect(await succeed(["auth", "can-i", "--list"])).toContain("*.*");
  });

  test("get -w prints a line when the object changes", async () => {
    const watching = new AbortController();
    const lines: string[] = [];
    const child = execFile(
      kubectl ?? "kubectl",
      ["get", "projects", "-w", "--no-headers", "-o", "custom-columns=D:.spec.github.description"],
      {
        env: { PATH: process.env["PATH"] ?? "", HOME: directory, KUBECONFIG: api.kubeconfig },
        signal: watching.signal,
      },
    );
    child.on("error", () => undefined);
    const seen = (text: string): Promise<void> =>
      new Promise((resolve) => {
        const look = (): void => {
          if (lines.join("").includes(text)) resolve();
        };
        child.stdout?.on("data", (chunk: string) => {
          lines.push(chunk);
          look();
        });
        look();
      });
    await seen("replaced");
    await succeed([
      "patch",
      "project",
      "shop",
      "--type=merge",
      "-p",
      '{"spec":{"github":{"description":"watched"}}}',
    ]);
    await seen("watched");
    watching.abort();
  });

  test("a wrong token is refused", async () => {
    const refused = await run(["get", "projects", "--token=nobody"]);
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/Unauthorized|must be logged in/);
  });

  test("delete waits until the finalizer is gone", async () => {
    let isGone = false;
    const deletion = run(["delete", "project", "shop", "--timeout=30s"]).then((ran) => {
      isGone = true;
      return ran;
    });
    for (;;) {
      if ((await stored()).metadata.deletionTimestamp !== undefined) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(isGone).toBe(false);
    release();
    const ran = await deletion;
    expect(ran.out).toMatch(/^project\.flaresmith\.dev "shop" deleted/);
    expect((await run(["get", "project", "shop"])).code).toBe(1);
  });

  test("deleting what a Source still declares warns that it comes back", async () => {
    const sources = { ...projectType, kind: "Source", plural: "sources" };
    const source = `apiVersion: flaresmith.dev/v1alpha1
kind: Source
metadata: {name: platform}
spec: {git: {url: "https://example.com/platform.git"}}
`;
    await succeed(["apply", "-f", "-"], { input: source });
    const declared = project()
      .replaceAll("shop", "declared")
      .replace("team: web", "flaresmith.dev/source: platform");
    const path = join(directory, "declared.yaml");
    await writeFile(path, declared);
    await succeed(["create", "-f", path]);
    const status = { inventory: [{ kind: "Project", name: "declared", file: "apps/declared.yaml" }] };
    await store.patchStatus(
      sources,
      { namespace: "default", name: "platform" },
      { type: "merge", body: { status } },
    );
    release();
    const ran = await run(["delete", "-f", path, "--timeout=30s"]);
    expect(ran.err).toContain(
      'Warning: Project "declared" is still declared by Source "platform" in apps/declared.yaml and will be re-created',
    );
    expect(ran.out).toContain("deleted");
  });

  test("a namespace is created, filled and deleted with what is in it", async () => {
    await succeed(["create", "namespace", "team"]);
    await succeed(["create", "configmap", "inside", "-n", "team", "--from-literal=a=b"]);
    expect((await run(["create", "configmap", "x", "-n", "nowhere"])).err).toContain(
      'namespaces "nowhere" not found',
    );
    await succeed(["delete", "namespace", "team", "--timeout=30s"]);
    expect((await run(["get", "configmap", "inside", "-n", "team"])).code).toBe(1);
  });
});
