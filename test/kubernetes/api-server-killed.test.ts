/**
 * The API server dies (SIGKILL) and is started again on what it had stored, while a controller and a team are busy with it.
 * The controller is a process that is started again whenever it ends, as a Deployment does it.
 */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { wholeShape } from "../simulation/shapes.ts";
import type { ProjectShape } from "../simulation/desired.ts";
import { superviseController, type Supervised } from "./harness/controller-process.ts";
import { writeKubeconfig } from "./harness/kubeconfig.ts";
import { startKubernetes, type Kubernetes } from "./harness/kubernetes.ts";
import { startTcpProxy, type TcpProxy } from "./harness/tcp-proxy.ts";
import { joinTeam, type Team } from "./harness/team.ts";
import { until } from "./harness/until.ts";

const binaries = inject("binaries");
const LONG = { timeout: 300_000 };
/** Milliseconds after which somebody whose request failed makes it again. */
const PATIENCE = 100;

/** Projects with a repository, and some of them with all there is. */
function shapes(prefix: string, count: number): ProjectShape[] {
  return Array.from({ length: count }, (_, index) => {
    const whole = wholeShape(`${prefix}${index}`);
    return index % 3 === 0 ? whole : { ...whole, neon: false, files: false, cache: false };
  });
}

describe.skipIf(binaries === undefined)("kube-apiserver is killed under load", () => {
  let kubernetes: Kubernetes;
  /** Between controller and API server. */
  let network: TcpProxy;
  let team: Team;
  let controller: Supervised;
  const logs = (): unknown => [controller.exits, controller.log().split("\n").slice(-20)];

  beforeAll(async () => {
    kubernetes = await startKubernetes({ binaries: binaries ?? "", controllerManager: false });
    team = await joinTeam(kubernetes);
    network = await startTcpProxy(Number(new URL(kubernetes.url).port));
    const kubeconfig = join(kubernetes.kubeconfig, "../through-proxy.kubeconfig");
    await writeKubeconfig(kubeconfig, { ...kubernetes.admin, server: `https://127.0.0.1:${network.port}` });
    controller = await superviseController({ name: "one", kubeconfig });
    await until(() => team.leader(), logs);
  });
  afterAll(async () => {
    await controller.stop();
    await network.close();
    await team.close();
    await kubernetes.stop();
  });

  /** The team applies one after the other, and again what failed; resolves when everything was accepted. */
  const want = async (all: readonly ProjectShape[]): Promise<void> => {
    for (const shape of all) {
      while (
        !(await team.want(shape).then(
          () => true,
          () => false,
        ))
      )
        await new Promise((resolve) => setTimeout(resolve, PATIENCE));
    }
  };
  const kill = async (): Promise<void> => {
    await kubernetes.apiServer().kill();
    network.cut();
  };

  test(
    "back at once: what was applied before, meanwhile and after becomes Ready, and exists once",
    LONG,
    async () => {
      const since = team.moment();
      const applied = want(shapes("shop", 6));
      await until(() => team.changes(since)[5], logs);
      await kill();
      await kubernetes.startApiServer();
      await until(() => team.changes(since)[40], logs);
      network.cut();
      await kill();
      await kubernetes.startApiServer();
      await applied;
      await team.converged(logs);
    },
  );

  test(
    "away until the lease is lost: the process ends with 1, and the next one does the rest",
    LONG,
    async () => {
      const since = team.moment();
      const applied = want(shapes("blog", 4));
      await until(() => team.changes(since)[15], logs);
      const before = controller.exits.length;
      await kill();
      await until(() => (controller.exits.length > before ? true : undefined), logs);
      expect(controller.exits.at(-1)).toBe(1);
      await kubernetes.startApiServer();
      await applied;
      await team.converged(logs);
    },
  );

  test("in the end it stops as asked", async () => {
    expect(await controller.stop()).toBe(0);
  });
});
