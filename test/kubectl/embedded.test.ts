/** Stock kubectl against the embedded API, and what only that API promises. */
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
import { kinds, resourceType } from "../../crds/index.ts";
import { source as sourceKind } from "../../crds/source.ts";
import { createKubectl, type Kubectl } from "./kubectl.ts";
import { describeKubectl, project } from "./suite.ts";

const command = process.env["FLARESMITH_KUBECTL"];
if (command === undefined) {
  process.stderr.write(
    "stock kubectl is not tried: set FLARESMITH_KUBECTL to a kubectl binary (test/kubernetes/build.sh kubectl builds one)\n",
  );
}

interface Served {
  directory: string;
  store: EmbeddedStore;
  api: ServedApi;
  close(): Promise<void>;
}

async function serveEmbedded(): Promise<Served> {
  const directory = await mkdtemp(join(tmpdir(), "kubectl-"));
  const clock = systemClock();
  const random = systemRandom();
  const types = [...builtinTypes, ...kinds.map(kindType)];
  const store = await openEmbeddedStore({ path: ":memory:", clock, random, types });
  const api = await serveApi({ directory, store, clock, random });
  return {
    directory,
    store,
    api,
    async close() {
      await api.close();
      await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

if (command !== undefined) {
  describeKubectl("the embedded API", command, async () => {
    const served = await serveEmbedded();
    return { kubeconfig: served.api.kubeconfig, client: served.store, close: () => served.close() };
  });
}

describe.skipIf(command === undefined)(
  "stock kubectl, what the embedded API adds",
  { timeout: 60_000 },
  () => {
    let served: Served;
    let kubectl: Kubectl;

    beforeAll(async () => {
      served = await serveEmbedded();
      const { api, directory } = served;
      kubectl = createKubectl({ command: command ?? "", kubeconfig: api.kubeconfig, home: directory });
    });
    afterAll(() => served.close());

    test("the kubeconfig is readable by its owner alone", async () => {
      expect((await stat(served.api.kubeconfig)).mode & 0o777).toBe(0o600);
    });

    test("auth whoami names the administrator", async () => {
      expect(await kubectl.succeed(["auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"])).toBe(
        "flaresmith-admin",
      );
    });

    test("a wrong token is refused", async () => {
      const refused = await kubectl.run(["get", "projects", "--token=nobody"]);
      expect(refused.code).toBe(1);
      expect(refused.err).toMatch(/Unauthorized|must be logged in/);
    });

    test("deleting what a Source still declares warns that it comes back", async () => {
      const source = `apiVersion: flaresmith.dev/v1alpha1
kind: Source
metadata: {name: platform}
spec: {git: {url: "https://example.com/platform.git"}}
`;
      await kubectl.succeed(["apply", "-f", "-"], { input: source });
      const declared = project()
        .replaceAll("shop", "declared")
        .replace("team: web", "flaresmith.dev/source: platform");
      const path = join(served.directory, "declared.yaml");
      await writeFile(path, declared);
      await kubectl.succeed(["create", "-f", path]);
      const status = { inventory: [{ kind: "Project", name: "declared", file: "apps/declared.yaml" }] };
      await served.store.patchStatus(
        resourceType(sourceKind),
        { namespace: "default", name: "platform" },
        { type: "merge", body: { status } },
      );
      const ran = await kubectl.run(["delete", "-f", path, "--timeout=30s"]);
      expect(ran.err).toContain(
        'Warning: Project "declared" is still declared by Source "platform" in apps/declared.yaml and will be re-created',
      );
      expect(ran.out).toContain("deleted");
    });
  },
);
