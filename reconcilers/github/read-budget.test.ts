import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { bench, PUBLIC_URL } from "../../sandbox/github/testing.ts";
import { virtualClock, seededRandom } from "../../controller/runtime/adapters/virtual.ts";
import { expectedEtag } from "../../controller/runtime/etag-cache.ts";
import { createProviderIdentities } from "../../controller/runtime/provider-identity.ts";
import { secretValues } from "../../controller/runtime/secret-value.ts";
import { createTracker } from "../../controller/runtime/tracker.ts";
import { createTransport } from "../../controller/runtime/transport.ts";
import { createObservationSource } from "../engine/observation-source.ts";
import type { Depth, ResourceDefinition } from "../engine/resource.ts";
import { createGitHubClient } from "./client.ts";
import type { GitHubClient } from "./client.ts";
import { environment } from "./environment.ts";
import { gitBranch } from "./git-branch.ts";
import { revision } from "./heads.ts";
import { repository } from "./repository.ts";
import { ruleset } from "./ruleset.ts";
import { secrets } from "./secrets.ts";
import { lookupContext, slotOf } from "./test-context.ts";
import type { Harness } from "./test-context.ts";
import { variables } from "./variables.ts";

const { publicKey, privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});
const secret = secretValues("key");
const fullName = "acme/shop";
const names = ["dev", "staging", "prod"];

/** A Project with three environments over the real transport; `pass` looks at everything once and returns the journal. */
async function project() {
  const world = bench();
  const permissions = {
    administration: "write",
    contents: "write",
    actions: "write",
    actions_variables: "write",
    environments: "write",
    secrets: "write",
    metadata: "read",
  } as const;
  const { appId, installationIds } = world.github.registerApp({
    slug: "smith",
    owner: "acme",
    publicKey,
    permissions,
    installations: [{ account: "acme" }],
  });
  const clock = virtualClock(world.context.clock.now());
  const tracker = createTracker({ clock });
  const identity = createProviderIdentities({ clock, tracker }).of({
    provider: "github",
    identity: "smith",
    connection: "default/github",
  });
  const fetch = createTransport({
    provider: "github",
    connection: "default/github",
    identity,
    fetch: (input, init) => world.github.fetch(new Request(input, init)),
    clock,
    random: seededRandom(1),
    tracker,
    etags: { expected: expectedEtag },
  });
  const client = createGitHubClient({
    endpoint: PUBLIC_URL,
    credentials: { appId, installationId: installationIds[0] ?? 0, privateKey },
    fetch,
    clock,
    userAgent: "flaresmith-test",
  });
  const harness: Harness = { client, clock, source: createObservationSource(clock) };
  const advance = async (milliseconds: number): Promise<void> => {
    world.advance(milliseconds);
    await clock.advance(milliseconds);
  };
  const looks: ((depth: Depth) => Promise<unknown>)[] = [];
  const add = async <Desired, Observed>(
    definition: ResourceDefinition<Desired, Observed, GitHubClient>,
    desired: Desired,
  ): Promise<void> => {
    const slot = slotOf(harness, definition);
    await slot.create(desired);
    await slot.correct(desired);
    looks.push(async (depth) => expect(await slot.diff(desired, { depth, fresh: false })).toEqual([]));
  };
  await add(repository, { owner: "acme", name: "shop", topics: ["shop"] });
  for (const name of names) {
    await add(gitBranch, { repository: fullName, name: `env/${name}`, from: "main" });
    await add(environment, { repository: fullName, name, branchPolicies: { patterns: [`env/${name}`] } });
    await add(variables, { repository: fullName, environment: name, values: { STAGE: name } });
    await add(secrets, { repository: fullName, environment: name, values: { TOKEN: secret(name) } });
    looks.push(() => revision.look({ repository: fullName, branch: `env/${name}` }, lookupContext(harness)));
  }
  await add(ruleset, {
    repository: fullName,
    ruleset: {
      name: "main",
      target: "Branch",
      enforcement: "Active",
      include: ["~DEFAULT_BRANCH"],
      rules: { deletion: true },
    },
  });
  const pass = async (depth: Depth = "shallow") => {
    await advance(10 * 60_000);
    const before = world.context.journal.last();
    for (const look of looks) await look(depth);
    return world.context.journal.since(before);
  };
  return { world, pass, advance };
}

describe("looking at a project with three environments", () => {
  it("costs no billable read once it is converged, and changes nothing", async () => {
    const { pass } = await project();
    await pass();
    const requests = await pass();
    expect(requests.map((entry) => `${entry.status} ${entry.path.replace(/\?.*/, "")}`).toSorted()).toEqual(
      [
        "304 /repos/acme/shop",
        "304 /repos/acme/shop/environments",
        "304 /repos/acme/shop/git/matching-refs/heads",
        "304 /repos/acme/shop/rulesets",
        ...names.flatMap((name) => [
          `304 /repos/acme/shop/environments/${name}/secrets`,
          `304 /repos/acme/shop/environments/${name}/variables`,
        ]),
      ].toSorted(),
    );
  });

  it("in depth asks also for the patterns of each environment and the ruleset by itself, free of charge", async () => {
    const { pass } = await project();
    const shallow = await pass();
    await pass("deep");
    const deep = await pass("deep");
    expect(deep.length - shallow.length).toBe(4);
    expect(deep.every((entry) => entry.status === 304)).toBe(true);
  });

  it("stays free of charge when the installation token was renewed", async () => {
    const { pass, advance } = await project();
    await pass();
    await advance(60 * 60_000);
    const requests = await pass();
    const billable = requests.filter((entry) => entry.status !== 304);
    expect(billable.map((entry) => entry.path)).toEqual([expect.stringContaining("/access_tokens")]);
  });

  it("sees what was changed behind our back through every cache", async () => {
    const { pass, world } = await project();
    await pass();
    await world.send("PATCH", "/repos/acme/shop/environments/dev/variables/STAGE", {
      body: { value: "other" },
    });
    await expect(pass()).rejects.toThrow(/variables.STAGE/);
  });
});
