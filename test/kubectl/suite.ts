/** What a person types at stock kubectl and reads from it, whatever server answers. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { KubernetesObject, ResourceClient } from "../../controller/store/resource-client.ts";
import { kinds, resourceType } from "../../crds/index.ts";
import { project as projectKind } from "../../crds/project.ts";
import { createKubectl, type Kubectl } from "./kubectl.ts";
import { startTinyController } from "./tiny-controller.ts";

/** A server with our kinds whose namespace `default` is empty. */
export interface KubectlTarget {
  kubeconfig: string;
  /** The same server, for looking at what kubectl did. */
  client: ResourceClient;
  close(): Promise<void>;
}

/** A Project as a person writes it. @param extra more lines of the spec */
export const project = (extra = ""): string => `apiVersion: flaresmith.dev/v1alpha1
kind: Project
metadata:
  name: shop
  labels: {team: web}
spec:
  github:
    connectionRef: {name: github}
    repository: shop
${extra}`;

const projectType = resourceType(projectKind);

/** Declares the suite. @param command the kubectl to type at @param makeTarget called once */
export function describeKubectl(
  name: string,
  command: string,
  makeTarget: () => Promise<KubectlTarget>,
): void {
  describe(`stock kubectl against ${name}`, { timeout: 60_000 }, () => {
    let home = "";
    let target: KubectlTarget;
    let kubectl: Kubectl;
    let release: () => void;
    const stop = new AbortController();

    const stored = (): Promise<KubernetesObject> =>
      target.client.get(projectType, { namespace: "default", name: "shop" });
    const specOf = async (): Promise<Record<string, Record<string, unknown>>> =>
      (await stored())["spec"] as Record<string, Record<string, unknown>>;

    beforeAll(async () => {
      home = await mkdtemp(join(tmpdir(), "kubectl-"));
      target = await makeTarget();
      kubectl = createKubectl({ command, kubeconfig: target.kubeconfig, home });
      ({ release } = startTinyController({ store: target.client, type: projectType, signal: stop.signal }));
    });

    afterAll(async () => {
      stop.abort();
      await target.close();
      await rm(home, { recursive: true, force: true });
    });

    test("api-resources lists our kinds with their short names", async () => {
      const out = await kubectl.succeed(["api-resources", "--api-group=flaresmith.dev", "--no-headers"]);
      expect(out).toMatch(/^projects\s+proj\s+flaresmith\.dev\/v1alpha1\s+true\s+Project$/m);
      expect(out.trim().split("\n")).toHaveLength(kinds.length);
    });

    test("apply creates, a second apply changes nothing", async () => {
      expect(await kubectl.succeed(["apply", "-f", "-"], { input: project() })).toBe(
        "project.flaresmith.dev/shop created\n",
      );
      expect(await kubectl.succeed(["wait", "--for=condition=Ready", "project/shop", "--timeout=45s"])).toBe(
        "project.flaresmith.dev/shop condition met\n",
      );
      const { resourceVersion } = (await stored()).metadata;
      expect(await kubectl.succeed(["apply", "-f", "-"], { input: project() })).toBe(
        "project.flaresmith.dev/shop unchanged\n",
      );
      expect((await stored()).metadata.resourceVersion).toBe(resourceVersion);
    });

    test("get shows the columns, wide more of them, and by short name and category", async () => {
      const [header = "", row = ""] = (await kubectl.succeed(["get", "proj"])).split("\n");
      expect(header.split(/\s{2,}/)).toContain("READY");
      expect(row).toMatch(/^shop .*True\s+everything is as declared/);
      expect((await kubectl.succeed(["get", "projects", "-o", "wide"])).length).toBeGreaterThan(
        header.length + row.length,
      );
      expect(await kubectl.succeed(["get", "flaresmith", "-o", "name"])).toBe(
        "project.flaresmith.dev/shop\n",
      );
      expect(
        (await kubectl.succeed(["get", "projects,environments,previews"])).trim().split("\n"),
      ).toHaveLength(2);
    });

    test("get answers yaml, json, jsonpath and label selection", async () => {
      expect(await kubectl.succeed(["get", "project", "shop", "-o", "yaml"])).toContain("repository: shop");
      const json = JSON.parse(
        await kubectl.succeed(["get", "project", "shop", "-o", "json"]),
      ) as KubernetesObject;
      expect(json.metadata.labels).toEqual({ team: "web" });
      expect(
        await kubectl.succeed(["get", "project", "shop", "-o", "jsonpath={.spec.github.repository}"]),
      ).toBe("shop");
      expect(await kubectl.succeed(["get", "projects", "-l", "team in (web)", "-o", "name"])).toContain(
        "shop",
      );
      expect((await kubectl.run(["get", "projects", "-l", "team!=web"])).err).toBe(
        "No resources found in default namespace.\n",
      );
      expect((await kubectl.run(["get", "project", "none"])).err).toBe(
        'Error from server (NotFound): projects.flaresmith.dev "none" not found\n',
      );
    });

    test("describe shows the status and the events; events lists them", async () => {
      const out = await kubectl.succeed(["describe", "project", "shop"]);
      expect(out).toMatch(/Message:\s+everything is as declared/);
      expect(out).toMatch(/Normal\s+Converged\s+.*tiny-controller\s+made it so/);
      expect(await kubectl.succeed(["events", "--for", "project/shop"])).toMatch(
        /Normal\s+Converged\s+Project\/shop\s+made it so/,
      );
      expect(await kubectl.succeed(["get", "events", "-o", "wide"])).toMatch(/Converged\s+project\/shop/);
    });

    test("diff shows the change and exits 1, and nothing is stored", async () => {
      const { code, out } = await kubectl.run(["diff", "-f", "-"], {
        input: project("    description: changed\n"),
      });
      expect(code).toBe(1);
      expect(out).toMatch(/^\+ {4}description: changed$/m);
      expect((await specOf())["github"]).not.toHaveProperty("description");
      expect((await kubectl.run(["diff", "-f", "-"], { input: project() })).code).toBe(0);
    });

    test("apply --server-side reports a conflict with its manager and field, and can force it", async () => {
      const mine = ["apply", "--server-side", "--field-manager=mine", "-f", "-"];
      expect(await kubectl.succeed(mine, { input: project("    description: mine\n") })).toContain(
        "serverside-applied",
      );
      const theirs = ["apply", "--server-side", "--field-manager=theirs", "-f", "-"];
      const refused = await kubectl.run(theirs, { input: project("    description: theirs\n") });
      expect(refused.code).toBe(1);
      expect(refused.err).toContain('conflict with "mine": .spec.github.description');
      expect((await specOf())["github"]).toHaveProperty("description", "mine");
      await kubectl.succeed([...theirs, "--force-conflicts"], {
        input: project("    description: theirs\n"),
      });
      expect((await specOf())["github"]).toHaveProperty("description", "theirs");
    });

    test("edit stores what the editor changed", async () => {
      expect(
        await kubectl.succeed(["edit", "project", "shop"], { editor: "sed -i s/theirs/edited/" }),
      ).toContain("edited");
      expect((await specOf())["github"]).toHaveProperty("description", "edited");
    });

    test("patch takes merge and json; strategic is refused as for every custom resource", async () => {
      await kubectl.succeed([
        "patch",
        "project",
        "shop",
        "--type=merge",
        "-p",
        '{"spec":{"github":{"description":"merged"}}}',
      ]);
      expect((await specOf())["github"]).toHaveProperty("description", "merged");
      const body = '[{"op":"replace","path":"/spec/github/description","value":"replaced"}]';
      await kubectl.succeed(["patch", "project", "shop", "--type=json", "-p", body]);
      expect((await specOf())["github"]).toHaveProperty("description", "replaced");
      const strategic = await kubectl.run([
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
      await kubectl.succeed(["label", "project", "shop", "tier=one"]);
      await kubectl.succeed(["annotate", "project", "shop", "flaresmith.dev/reconcile-requested-at=now"]);
      const { labels, annotations } = (await stored()).metadata;
      expect(labels).toMatchObject({ tier: "one" });
      expect(annotations).toMatchObject({ "flaresmith.dev/reconcile-requested-at": "now" });
    });

    test("an unknown field is refused with its path, on apply and on create", async () => {
      const refused = await kubectl.run(["apply", "-f", "-"], {
        input: project("  ttll: 3h\n").replace("name: shop", "name: wrong"),
      });
      expect(refused.code).toBe(1);
      expect(refused.err).toContain('strict decoding error: unknown field "spec.ttll"');
      const warned = await kubectl.run(["create", "--dry-run=server", "--validate=warn", "-f", "-"], {
        input: project("  ttll: 3h\n").replace("name: shop", "name: wrong"),
      });
      expect(warned).toMatchObject({ code: 0 });
      expect(warned.err).toContain('Warning: unknown field "spec.ttll"');
      expect((await kubectl.run(["get", "project", "wrong"])).code).toBe(1);
    });

    test("a value of the wrong type is refused with its path", async () => {
      const refused = await kubectl.run([
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
      const out = await kubectl.succeed(["explain", "project.spec.neon"]);
      expect(out).toMatch(/^GROUP:\s+flaresmith\.dev$/m);
      expect(out).toMatch(/^ {2}region\s+<string>/m);
      expect(await kubectl.succeed(["explain", "project", "--recursive"])).toMatch(
        /\s+repository\s+<string>/,
      );
    });

    test("create secret and configmap, patch and edit a secret", async () => {
      await kubectl.succeed(["create", "secret", "generic", "github", "--from-literal=token=one"]);
      await kubectl.succeed(["create", "configmap", "settings", "--from-literal=a=b"]);
      await kubectl.succeed(["patch", "secret", "github", "-p", '{"stringData":{"token":"two"}}']);
      const token = await kubectl.succeed(["get", "secret", "github", "-o", "jsonpath={.data.token}"]);
      expect(Buffer.from(token, "base64").toString()).toBe("two");
      expect(
        await kubectl.succeed(["edit", "secret", "github"], { editor: "sed -i s/dHdv/dHdvMg==/" }),
      ).toContain("edited");
      expect(await kubectl.succeed(["get", "secrets", "--no-headers"])).toMatch(/^github\s+Opaque\s+1\s/m);
      expect(await kubectl.succeed(["get", "configmaps", "--no-headers"])).toMatch(/^settings\s+1\s/m);
    });

    test("get -w prints a line when the object changes", async () => {
      const columns = "custom-columns=D:.spec.github.description";
      const watching = kubectl.follow(["get", "projects", "-w", "--no-headers", "-o", columns]);
      await watching.seen("replaced");
      const body = '{"spec":{"github":{"description":"watched"}}}';
      await kubectl.succeed(["patch", "project", "shop", "--type=merge", "-p", body]);
      await watching.seen("watched");
      watching.stop();
    });

    test("delete waits until the finalizer is gone", async () => {
      let isGone = false;
      const deletion = kubectl.run(["delete", "project", "shop", "--timeout=30s"]).then((ran) => {
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
      expect((await kubectl.run(["get", "project", "shop"])).code).toBe(1);
    });

    test("auth can-i answers", async () => {
      expect(await kubectl.succeed(["auth", "can-i", "create", "projects"])).toBe("yes\n");
      expect(await kubectl.succeed(["auth", "can-i", "--list"])).toContain("*.*");
    });

    test("a namespace is created, filled and deleted with what is in it", async () => {
      await kubectl.succeed(["create", "namespace", "team"]);
      await kubectl.succeed(["create", "configmap", "inside", "-n", "team", "--from-literal=a=b"]);
      expect((await kubectl.run(["create", "configmap", "x", "-n", "nowhere"])).err).toContain(
        'namespaces "nowhere" not found',
      );
      await kubectl.succeed(["delete", "namespace", "team", "--timeout=30s"]);
      expect((await kubectl.run(["get", "configmap", "inside", "-n", "team"])).code).toBe(1);
    });
  });
}
