/** What the controller says about the kinds of a cluster, and when it begins. */
import { expect, test } from "vitest";
import { crdOf, kinds } from "../../../crds/index.ts";
import type { StructuralSchema } from "../../../crds/schema/structural.ts";
import { virtualClock } from "../../runtime/adapters/virtual.ts";
import { createTracker } from "../../runtime/tracker.ts";
import { ApiError } from "../../store/resource-client.ts";
import type { KubernetesObject, ResourceClient } from "../../store/resource-client.ts";
import { checkDefinitions } from "./definitions.ts";

interface Served extends KubernetesObject {
  spec: { versions: { name: string; served: boolean; schema: { openAPIV3Schema: StructuralSchema } }[] };
  status: { conditions: { type: string; status: string }[] };
}

/** A cluster with our definitions as they are generated; tests change them. */
function cluster() {
  const definitions = new Map<string, Served>();
  const install = (name: string): Served => {
    const kind = kinds.find((one) => `${one.plural}.flaresmith.dev` === name);
    if (kind === undefined) throw new Error(name);
    const definition = structuredClone(crdOf(kind)) as unknown as Served;
    definition.status = { conditions: [{ type: "Established", status: "True" }] };
    definitions.set(name, definition);
    return definition;
  };
  for (const kind of kinds) install(`${kind.plural}.flaresmith.dev`);
  let refusal: ApiError | undefined;
  const client = {
    get: async (_type: unknown, { name }: { name: string }) => {
      if (refusal !== undefined) throw refusal;
      const found = definitions.get(name);
      if (found === undefined) throw new ApiError({ code: 404, reason: "NotFound", message: "not found" });
      return found;
    },
  } as unknown as ResourceClient;
  const clock = virtualClock();
  const lines: string[] = [];
  const tracker = createTracker({ clock, destination: { write: (line) => void lines.push(line) } });
  const check = checkDefinitions({ client, clock, tracker });
  let served = false;
  const stop = new AbortController();
  /** Begins to look, and lets time pass. */
  const look = async (milliseconds = 0): Promise<void> => {
    void check.served(stop.signal).then(
      () => (served = true),
      () => undefined,
    );
    await clock.advance(milliseconds);
  };
  return {
    clock,
    definitions,
    install,
    lines,
    check,
    stop,
    look,
    refuse: (error: ApiError) => (refusal = error),
    get served() {
      return served;
    },
  };
}

test("all there: it begins", async () => {
  const world = cluster();
  expect(world.check.problem()).toBe("not looked at yet");
  await world.look();
  expect(world.served).toBe(true);
  expect(world.check.problem()).toBeUndefined();
});

test("one that is missing is named with the remedy, said once, and waited for", async () => {
  const world = cluster();
  world.definitions.delete("projects.flaresmith.dev");
  await world.look(60_000);
  expect(world.served).toBe(false);
  expect(world.check.problem()).toBe(
    "CustomResourceDefinition projects.flaresmith.dev is not installed: apply the ones of this version: flaresmith crds | kubectl apply --server-side -f -",
  );
  expect(world.lines).toHaveLength(1);
  world.install("projects.flaresmith.dev").status.conditions = [];
  await world.clock.advance(5_000);
  expect(world.check.problem()).toBe(
    "CustomResourceDefinition projects.flaresmith.dev is installed and not served yet",
  );
  world.install("projects.flaresmith.dev");
  await world.clock.advance(5_000);
  expect(world.served).toBe(true);
});

test("an older one is named with the fields that it lacks; a newer one is welcome", async () => {
  const world = cluster();
  const projects = world.definitions.get("projects.flaresmith.dev")?.spec.versions[0];
  const spec = projects?.schema.openAPIV3Schema.properties?.["spec"]?.properties ?? {};
  delete spec["neon"]?.properties?.["region"];
  spec["newer"] = { type: "string" };
  await world.look();
  expect(world.check.problem()).toContain(
    "CustomResourceDefinition projects.flaresmith.dev is older than this controller, it lacks spec.neon.region: apply",
  );
  delete spec["cloudflare"];
  await world.clock.advance(5_000);
  expect(world.check.problem()).toMatch(
    /it lacks spec\.neon\.region, spec\.cloudflare, .* and \d+ more: apply/,
  );
  const restored = world.install("projects.flaresmith.dev").spec.versions[0];
  Object.assign(restored?.schema.openAPIV3Schema.properties?.["spec"]?.properties ?? {}, {
    newer: { type: "string" },
  });
  await world.clock.advance(5_000);
  expect(world.served).toBe(true);
});

test("another version than ours is no version", async () => {
  const world = cluster();
  const [version] = world.definitions.get("sources.flaresmith.dev")?.spec.versions ?? [];
  if (version !== undefined) version.name = "v1";
  await world.look();
  expect(world.check.problem()).toContain("sources.flaresmith.dev does not serve v1alpha1");
});

test("who may not look at definitions begins all the same; an API server that is away is waited for", async () => {
  const forbidden = cluster();
  forbidden.refuse(new ApiError({ code: 403, reason: "Forbidden", message: "no" }));
  await forbidden.look();
  expect(forbidden.served).toBe(true);
  const away = cluster();
  away.refuse(
    new ApiError({ code: 503, reason: "ServiceUnavailable", message: "no answer from the API server" }),
  );
  await away.look(60_000);
  expect(away.check.problem()).toBe("no answer from the API server");
  away.stop.abort(new Error("stop"));
  await away.clock.settle();
  expect(away.clock.pendingTimers).toBe(0);
});
