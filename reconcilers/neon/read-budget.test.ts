import { describe, expect, it } from "vitest";
import { neonHarness } from "../../sandbox/neon/neon-harness.ts";
import type { ResourceDefinition } from "../engine/resource.ts";
import { branch } from "./branch.ts";
import type { NeonClient } from "./client.ts";
import { connectionUri } from "./connection-uri.ts";
import { database } from "./database.ts";
import { project } from "./project.ts";
import { rootBranch } from "./root-branch.ts";
import { harnessOn, lookupContext, slotOf } from "./test-context.ts";
import type { Slot } from "./test-context.ts";

type Look = Parameters<Slot<unknown, unknown>["differences"]>[1];

/** A Project with three environments, of which one is on the root branch; `pass` looks at everything once. */
async function shop() {
  const world = neonHarness();
  const harness = harnessOn(world);
  const looks: ((look: Look) => Promise<unknown>)[] = [];
  const add = async <Desired, Observed>(
    definition: ResourceDefinition<Desired, Observed, NeonClient>,
    desired: Desired,
  ) => {
    const slot = slotOf(harness, definition, { name: `slot-${looks.length}` });
    await slot.converge(desired);
    world.settle();
    looks.push(async (look) => expect(await slot.differences(desired, look)).toEqual([]));
    return { id: slot.entry?.id ?? "", outputs: await slot.outputs(desired) };
  };
  const { id: projectId } = await add(project, {
    orgId: world.orgId,
    name: "shop",
    region: "aws-eu-central-1",
    postgresVersion: 17,
    branch: "main",
    database: "app",
    role: "app",
    historyRetention: 86_400,
    settings: { blockPublicConnections: false },
  });
  const compute = { min: 0.25, max: 1, suspendAfterSeconds: 300 };
  const places = [
    await add(rootBranch, { projectId, name: "main", compute }),
    await add(branch, { projectId, name: "staging", parent: "main", init: "parent-data", compute }),
    await add(branch, { projectId, name: "dev", parent: "main", init: "parent-data", compute }),
  ];
  for (const { outputs } of places) {
    const at = { projectId, branchId: String(outputs["branchId"]), role: "app", database: "app" };
    await add(database, at);
    const input = { ...at, endpointId: String(outputs["endpointId"]), pooled: true };
    looks.push(() => connectionUri.look(input, lookupContext(harness)));
  }
  const pass = async (look: Look) => {
    harness.advance(10 * 60_000);
    const before = world.context.journal.last();
    for (const one of looks) await one(look);
    return world.context.journal
      .since(before)
      .map(
        (entry) =>
          `${entry.method} ${entry.path
            .replace(/^\/api\/v2|\?.*$/g, "")
            .replace(projectId, "{project}")
            .replace(/br-[a-z0-9-]+/, "{branch}")}`,
      )
      .toSorted();
  };
  return { world, harness, pass, projectId };
}

describe("looking at a project with three environments", () => {
  it("costs two calls shallowly, one of which all projects share, and changes nothing", async () => {
    const { pass } = await shop();
    await pass({ fresh: false, depth: "shallow" });
    expect(await pass({ fresh: false, depth: "shallow" })).toEqual([
      "GET /projects",
      "GET /projects/{project}/branches",
    ]);
  });

  it("costs ten calls deeply: settings, computes, and two for each branch's database", async () => {
    const { pass } = await shop();
    await pass({ fresh: false, depth: "shallow" });
    expect(await pass({ fresh: false, depth: "deep" })).toEqual([
      "GET /projects",
      "GET /projects/{project}",
      "GET /projects/{project}/branches",
      ...Array.from({ length: 3 }, () => "GET /projects/{project}/branches/{branch}/databases"),
      ...Array.from({ length: 3 }, () => "GET /projects/{project}/branches/{branch}/roles"),
      "GET /projects/{project}/endpoints",
    ]);
  });

  it("asks for the connection URIs again after six hours", async () => {
    const { harness, pass } = await shop();
    await pass({ fresh: false, depth: "shallow" });
    harness.advance(7 * 3_600_000);
    const calls = await pass({ fresh: false, depth: "shallow" });
    expect(calls.filter((call) => call.endsWith("/connection_uri"))).toHaveLength(3);
    expect(calls).toHaveLength(5);
  });
});

describe("changes of one project", () => {
  it("are sent one after another, those of different projects side by side", async () => {
    const world = neonHarness();
    const flying = new Map<string, number>();
    const most = new Map<string, number>();
    const gate = Promise.withResolvers<void>();
    const harness = harnessOn({
      ...world,
      neon: {
        fetch: async (request) => {
          const key = new URL(request.url).pathname.split("/")[4] ?? "";
          const count = (flying.get(key) ?? 0) + 1;
          flying.set(key, count);
          most.set(key, Math.max(most.get(key) ?? 0, count));
          if (flying.size === 2) gate.resolve();
          await gate.promise;
          const answer = await world.neon.fetch(request);
          world.settle();
          flying.set(key, (flying.get(key) ?? 0) - 1);
          return answer;
        },
      },
    });
    const ids = [await world.project(), await world.project()].map((one) => one.project?.["id"] ?? "");
    const { signal } = new AbortController();
    await Promise.all(
      ids.flatMap((id) =>
        ["a", "b", "c"].map((name) =>
          harness.client.change(
            "POST",
            `/projects/${id}/branches`,
            { branch: { name } },
            { what: `creating ${name}`, signal },
          ),
        ),
      ),
    );
    expect(Object.fromEntries(most)).toEqual(Object.fromEntries(ids.map((id) => [id, 1])));
    for (const id of ids)
      expect((await world.ok("GET", `/projects/${id}/branches`)).branches).toHaveLength(4);
  });
});
