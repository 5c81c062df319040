/** At every write, and not only at the end: conditions are well-formed, and no secret is anywhere but where it belongs. */
import { describe, expect, it } from "vitest";
import { checkConditionInvariants } from "../../controller/runtime/condition-invariants.ts";
import type { KubernetesObject } from "../../controller/store/resource-client.ts";
import { seedTemplate, shopEnvironment, shopPreview, shopProject } from "../support/shop.ts";
import { createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";
import {
  breakProvider,
  breakages,
  connectedStore,
  external,
  heal,
  mortal,
  ownKinds,
  providers,
  requestAll,
  unready,
} from "./support.ts";
import { applySmallShop } from "./small-shop.ts";

const MINUTE = 60_000;
const STRIPE = "sk_live_canary_4711_do_not_tell";

interface Watched {
  world: World;
  /** Every status that was written, as text, with the object's name. */
  written: string[];
  broken: string[];
  logged: string[];
}

/** A world whose every status write is looked at. */
async function watched(): Promise<Watched> {
  const base = await connectedStore();
  const written: string[] = [];
  const broken: string[] = [];
  const last = new Map<string, string>();
  const { sandbox, store } = mortal(base, undefined, (moment, call, _kill, parameters) => {
    if (moment !== "before" || call !== "updateStatus") return;
    const object = parameters[1] as KubernetesObject;
    written.push(JSON.stringify(object));
    const conditions = (object["status"] as { conditions?: unknown[] } | undefined)?.conditions;
    // Intents are stored before anything is said about them: they carry the conditions of the pass before.
    const name = `${object.kind} ${object.metadata.name}`;
    const text = JSON.stringify(conditions);
    if (conditions === undefined || last.get(name) === text) return;
    last.set(name, text);
    const failures = checkConditionInvariants(object);
    if (failures.length > 0)
      broken.push(
        `${object.kind} ${object.metadata.name}: ${JSON.stringify(failures)} ${JSON.stringify(conditions)}`,
      );
  });
  const logged: string[] = [];
  const log = (line: string): void => void logged.push(line);
  const world = await createWorld({ sandbox, store, time: base.time, log });
  return { world, written, broken, logged };
}

describe("conditions", () => {
  it("are well-formed in every status that is ever written: while things begin, break, heal and go", async () => {
    const { world, broken, written } = await watched();
    await applySmallShop(world);
    await world.pass(1_500);
    for (const provider of providers) {
      for (const breakage of Object.values(breakages)) {
        breakProvider(world, provider, breakage);
        await requestAll(world);
        await world.pass(MINUTE);
        heal(world);
      }
    }
    await world.settle(60 * MINUTE);
    await world.delete("Environment", "shop-dev");
    breakProvider(world, "neon", { status: 500 });
    await world.pass(2 * MINUTE);
    heal(world);
    await world.delete("Project", "shop");
    await world.until(async () => (await world.list("Project")).length === 0, 60 * MINUTE);
    await world.stop();
    expect(broken).toEqual([]);
    expect(written.length).toBeGreaterThan(50);
  });

  it("say nothing that moves with time: no times, durations or request ids in any message", async () => {
    const { world, written } = await watched();
    await applySmallShop(world);
    await world.pass(2_000);
    for (const provider of providers) {
      breakProvider(world, provider, {
        status: 500,
        headers: {
          "x-request-id": "req-canary-1",
          "cf-ray": "ray-canary-1",
          "x-github-request-id": "gh-canary-1",
        },
        body: { message: "boom", request_id: "req-canary-2" },
      });
      await world.pass(2 * MINUTE);
      heal(world);
    }
    await world.settle(60 * MINUTE);
    await world.stop();
    const messages = written
      .map((text) => JSON.parse(text) as { status?: { conditions?: { message: string }[] } })
      .flatMap(({ status }) => (status?.conditions ?? []).map((condition) => condition.message));
    expect(messages.length).toBeGreaterThan(50);
    for (const message of messages) {
      expect(message).not.toMatch(/canary/);
      expect(message).not.toMatch(/\d{4}-\d{2}-\d{2}T/);
      // How often an open breaker is tried is a constant.
      const text = message.replace("one probe is made every 30 seconds", "");
      expect(text).not.toMatch(/\b\d+(\.\d+)? ?(ms|milliseconds|seconds)\b/);
      expect(message).not.toMatch(/undefined|\[object|NaN/);
    }
  });
});

/** Every secret that a run meets: what people gave, and what Neon made up. */
function secretsOf(world: World): string[] {
  const { seed } = world.sandbox;
  const passwords = external(world.sandbox).neon.projects.flatMap((project) =>
    project.branches.flatMap((branch) => branch.roles.flatMap((role) => role.password ?? [])),
  );
  return [
    ...new Set([
      STRIPE,
      seed.github.token,
      seed.neon.token,
      seed.cloudflare.token,
      "hook-secret",
      ...passwords,
    ]),
  ];
}

describe("secrets", () => {
  it("reach Worker and GitHub, and are in no other object, event, metric or status, whatever goes wrong", async () => {
    const { world, written, logged } = await watched();
    seedTemplate(world);
    await world.apply({ kind: "Secret", metadata: { name: "stripe" }, stringData: { key: STRIPE } });
    const secrets = [
      { name: "DATABASE_URL", from: { neon: "connectionUri" }, to: ["Worker", "GitHub"], previews: true },
      {
        name: "STRIPE_KEY",
        from: { secretRef: { name: "stripe", key: "key" } },
        to: ["Worker", "GitHub"],
        previews: true,
      },
    ];
    await world.apply(
      shopProject({ previews: { environmentRef: { name: "shop-dev" } } }),
      shopEnvironment("dev", { secrets }),
      shopPreview(),
    );
    await world.settle();
    expect(await unready(world)).toEqual([]);
    const script = external(world.sandbox).cloudflare.accounts[0]?.scripts[0];
    expect(script?.secrets["STRIPE_KEY"]).toBe(STRIPE);
    expect(script?.previews[0]?.secrets["STRIPE_KEY"]).toBe(STRIPE);
    const repository = external(world.sandbox).github.repositories.find((one) => one.name === "shop");
    expect(repository?.environments[0]?.secrets["STRIPE_KEY"]).toBe(STRIPE);
    const canaries = secretsOf(world);
    expect(canaries.length).toBeGreaterThanOrEqual(6);
    // A provider that echoes what it was sent must not make us tell it.
    for (const provider of providers) {
      breakProvider(world, provider, {
        status: 422,
        body: {
          message: `rejected: ${canaries.join(" ")}`,
          errors: [{ code: 1, message: canaries.join(" ") }],
        },
      });
      await requestAll(world);
      await world.pass(3 * MINUTE);
      heal(world);
    }
    await world.apply({
      kind: "Secret",
      metadata: { name: "neon-credentials" },
      stringData: { apiKey: "wrong_canary_key" },
    });
    await world.pass(15 * MINUTE);
    canaries.push("wrong_canary_key");
    const objects = (
      await Promise.all([...ownKinds, "Event", "ConfigMap"].map((kind) => world.list(kind)))
    ).flat();
    const { body: metrics } = await world.tracker.exposition();
    const places: [string, string][] = [
      ...objects.map((object): [string, string] => [
        `${object.kind} ${object.metadata.name}`,
        JSON.stringify(object),
      ]),
      ...written.map((text): [string, string] => [`a status that was written: ${text.slice(0, 90)}`, text]),
      ["metrics", metrics],
      ["the log", logged.join("")],
      [
        "paths of requests",
        world
          .requests(0)
          .map((entry) => entry.path)
          .join("\n"),
      ],
    ];
    const told = canaries.flatMap((canary) =>
      places
        .filter(([, text]) => text.includes(canary) || text.includes(Buffer.from(canary).toString("base64")))
        .map(([place]) => `${canary.slice(0, 6)}… in ${place}`),
    );
    expect(told).toEqual([]);
    expect(logged.length).toBeGreaterThan(10);
    expect(metrics).toContain("flaresmith_provider_requests_total");
    await world.stop();
  });
});
