/**
 * Two processes of `flaresmith controller` at one real API server, with the sandbox as providers: the leader is killed, or
 * asked to end, while there is much to do, and the other goes on.
 */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { seededRandom } from "../../controller/runtime/adapters/virtual.ts";
import type { KubernetesObject } from "../../controller/store/resource-client.ts";
import { drawShape, wholeShape } from "../simulation/shapes.ts";
import type { ProjectShape } from "../simulation/desired.ts";
import { startController, type ControllerProcess } from "./harness/controller-process.ts";
import { startKubernetes, type Kubernetes } from "./harness/kubernetes.ts";
import { joinTeam, type Team } from "./harness/team.ts";
import { until } from "./harness/until.ts";

const binaries = inject("binaries");
/** What the specification promises, in milliseconds. */
const AFTER_A_KILL = 20_000;
const AFTER_A_CLEAN_STOP = 5_000;
const LONG = { timeout: 300_000 };

/** Projects from a seed; every fourth has one of everything. What is deleted leaves nothing at the providers. */
function shapes(prefix: string, count: number): ProjectShape[] {
  const random = seededRandom(count);
  return Array.from({ length: count }, (_, index) => {
    const name = `${prefix}${index}`;
    const shape = index % 4 === 0 ? wholeShape(name) : drawShape(random, name, { small: true });
    return { ...shape, deletionPolicy: "Delete" };
  });
}

describe.skipIf(binaries === undefined)("two controllers at one kube-apiserver", () => {
  let kubernetes: Kubernetes;
  let team: Team;
  const processes = new Map<string, ControllerProcess>();
  const projects = shapes("shop", 10);
  const more = shapes("blog", 4);

  const start = async (name: string): Promise<void> => {
    processes.set(name, await startController({ name, kubeconfig: kubernetes.kubeconfig }));
  };
  const logs = (): string[] => [...processes.values()].map(({ program }) => program.lastWords());
  const leading = (isIt: (one: ControllerProcess) => boolean = () => true): Promise<ControllerProcess> =>
    until(async () => {
      const found = processes.get((await team.leader()) ?? "");
      return found !== undefined && isIt(found) ? found : undefined;
    }, logs);
  /** Waits until so much has been changed at the providers: some of it is made, and much is under way. */
  const underLoad = (since: number): Promise<unknown> => until(() => team.changes(since)[30], logs);
  /**
   * Ends the leader and waits until the other leads and has changed something at a provider.
   * @returns milliseconds that it took
   */
  const untilTheOtherActs = async (end: (leader: ControllerProcess) => Promise<void>): Promise<number> => {
    const before = await leading();
    const began = performance.now();
    const ending = end(before);
    const after = await leading((one) => one !== before);
    const since = team.moment();
    await until(() => team.changes(since)[0], logs);
    const took = performance.now() - began;
    await ending;
    expect(before.program.isRunning()).toBe(false);
    expect(await team.leader()).toBe(after.name);
    process.stdout.write(`${before.name} is gone, ${after.name} acted after ${(took / 1000).toFixed(1)} s\n`);
    return took;
  };

  beforeAll(async () => {
    kubernetes = await startKubernetes({ binaries: binaries ?? "", controllerManager: false });
    team = await joinTeam(kubernetes);
    await start("one");
    await leading();
    await start("two");
  });
  afterAll(async () => {
    for (const { program } of processes.values()) await program.stop();
    await team.close();
    await kubernetes.stop();
  });

  test("the leader is killed under load: the other acts within 20 s, and all exists once", LONG, async () => {
    const since = team.moment();
    for (const shape of projects) await team.want(shape);
    await underLoad(since);
    expect(await untilTheOtherActs(({ program }) => program.kill())).toBeLessThan(AFTER_A_KILL);
    await team.converged(logs);
  });

  test("looked at once more, nothing is changed anywhere", LONG, async () => {
    const since = team.moment();
    await team.request("once more");
    await team.converged(logs);
    expect(team.changes(since)).toEqual([]);
  });

  test(
    "started again, the killed one waits; asked to end under load, the leader makes way within 5 s",
    LONG,
    async () => {
      await start("one");
      const since = team.moment();
      for (const shape of more) await team.want(shape);
      await underLoad(since);
      const before = await leading();
      expect(await untilTheOtherActs(({ program }) => program.stop())).toBeLessThan(AFTER_A_CLEAN_STOP);
      expect(await before.program.ended).toBe(0);
      await team.converged(logs);
    },
  );

  test("deleted, all of it is gone: at the providers and in the cluster", LONG, async () => {
    const left = async (): Promise<KubernetesObject[]> =>
      (await Promise.all(["Project", "Environment", "Preview"].map((kind) => team.list(kind)))).flat();
    await start("two");
    for (const { name } of [...projects, ...more]) await team.abandon(name);
    await until(
      async () => ((await left()).length === 0 ? true : undefined),
      async () => [await left(), logs()],
    );
    expect(team.wrong()).toEqual([]);
  });
});
