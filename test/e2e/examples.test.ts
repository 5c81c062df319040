/** Every example does what its comments promise: applied as it stands, in virtual time, against the local providers. */
import { readFileSync, readdirSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { parseAllDocuments } from "yaml";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readManifests } from "../../controller/sources/read-manifests.ts";
import { TOMBSTONE_LABEL } from "../../reconcilers/engine/tombstones.ts";
import { external, identities, names } from "../laws/support.ts";
import { seedTemplate } from "../support/shop.ts";
import { virtualTime } from "../support/virtual-time.ts";
import { conditionOf, createWorld, statusOf } from "../support/world.ts";
import type { Manifest, World } from "../support/world.ts";

const examples = join(import.meta.dirname, "../../examples");

function manifestsOf(...files: string[]): Manifest[] {
  return files
    .flatMap((file) =>
      parseAllDocuments(readFileSync(join(examples, file), "utf8")).map(
        (document) => document.toJS() as Manifest & { apiVersion: string },
      ),
    )
    .map(({ kind, metadata, spec }) => ({ kind, metadata, ...(spec === undefined ? {} : { spec }) }));
}

function yamlFiles(): string[] {
  return readdirSync(examples, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.ya?ml$/.test(file) && !file.split(sep).includes("template"))
    .sort();
}

describe("every example", () => {
  it.each(yamlFiles())("%s is valid as it stands", async (file) => {
    const { controller: clock } = virtualTime();
    const read = await readManifests(join(examples, file), { clock }, new AbortController().signal);
    expect(read.errors).toEqual([]);
    expect(read.notes).toEqual([]);
    expect(read.objects.length).toBeGreaterThan(0);
  });

  it.each([
    "quickstart",
    "adopt-a-repository",
    "observe-only",
    "secrets",
    "monorepo",
    "deletion",
    "real-providers",
  ])("the folder %s can be a Source", async (folder) => {
    const { controller: clock } = virtualTime();
    const read = await readManifests(join(examples, folder), { clock }, new AbortController().signal);
    expect(read.errors).toEqual([]);
    const inFiles = yamlFiles().filter((file) => file.startsWith(`${folder}${sep}`));
    expect(read.objects).toHaveLength(manifestsOf(...inFiles).length);
  });

  it("has a test here", () => {
    const folders = new Set(yamlFiles().map((file) => file.split(sep)[0]));
    const source = readFileSync(import.meta.filename, "utf8");
    const untested = [...folders].filter((folder) => !source.includes(`describe("examples/${folder}"`));
    expect(untested, relative(process.cwd(), examples)).toEqual([]);
  });
});

let world: World;
beforeEach(async () => {
  world = await createWorld();
  seedTemplate(world);
});
afterEach(() => world.stop());

async function ready(kind: string, name: string): Promise<void> {
  expect(conditionOf(await world.get(kind, name), "Ready"), `${kind} ${name}`).toMatchObject({
    status: "True",
  });
}

const repositoryOf = (name: string) => {
  const found = external(world.sandbox).github.repositories.find((one) => one.name === name);
  if (!found) throw new Error(`no repository ${name} among ${names(world.sandbox, "github").join(", ")}`);
  return found as typeof found & { settings: Record<string, unknown> };
};
const scriptOf = (name: string) => {
  const scripts = external(world.sandbox).cloudflare.accounts.flatMap((account) => account.scripts);
  const found = scripts.find((one) => one.name === name);
  if (!found) throw new Error(`no Worker ${name} among ${scripts.map((one) => one.name).join(", ")}`);
  return found;
};

/** What a person does to a repository on GitHub's pages. */
async function editRepository(name: string, body: Record<string, unknown>): Promise<void> {
  const { seed, urls } = world.sandbox;
  const answer = await world.sandbox.fetch(`${urls.github}/repos/acme/${name}`, {
    method: "PATCH",
    headers: {
      authorization: `Bearer ${seed.github.token}`,
      "user-agent": "a-person",
      "content-type": "application/json",
    },
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(200);
}

describe("examples/quickstart", () => {
  it("becomes three environments and a preview, each with a URL and a database branch of its own", async () => {
    await world.apply(...manifestsOf(...yamlFiles().filter((file) => file.startsWith("quickstart"))));
    await world.settle();
    await ready("Project", "shop");
    const places = [
      await world.get("Environment", "shop-dev"),
      await world.get("Environment", "shop-staging"),
      await world.get("Environment", "shop-production"),
      await world.get("Preview", "shop-pr-1"),
    ];
    for (const place of places)
      expect(conditionOf(place, "Ready"), place.metadata.name).toMatchObject({ status: "True" });
    for (const field of ["url", "neonBranch"]) {
      const values = places.map((place) => statusOf(place)[field]);
      expect(values.every((value) => typeof value === "string" && value !== "")).toBe(true);
      expect(new Set(values).size).toBe(places.length);
    }
    expect(Object.keys(repositoryOf("shop").files)).toEqual(
      expect.arrayContaining(["docs/environments.md", "dist/worker/index.js"]),
    );
  });
});

describe("examples/add-a-provider-later", () => {
  it("adds database and Worker without writing anything at GitHub again", async () => {
    await world.apply(...manifestsOf("add-a-provider-later/1-github.yaml"));
    await world.settle();
    await ready("Project", "journal");
    const before = statusOf(await world.get("Environment", "journal-production"));
    expect(before["url"]).toBeUndefined();
    expect(before["neonBranch"]).toBeUndefined();
    expect(names(world.sandbox, "neon")).toEqual([]);
    expect(repositoryOf("journal").environments.map((one) => one.variables)).toEqual([
      { STAGE: "production" },
    ]);

    const since = world.mark();
    await world.apply(...manifestsOf("add-a-provider-later/2-all.yaml"));
    await world.settle();
    await ready("Project", "journal");
    await ready("Environment", "journal-production");
    expect(world.changes(since).filter((entry) => entry.provider === "github")).toEqual([]);
    const after = statusOf(await world.get("Environment", "journal-production"));
    expect(after["url"]).toBe("http://journal-api-production.acme.workers.localhost:8787");
    expect(after["neonBranch"]).toBe("main");
    expect(scriptOf("journal-api-production").secrets["DATABASE_URL"]).toMatch(/^postgres(ql)?:\/\/app:/);
  });
});

describe("examples/adopt-a-repository", () => {
  it("takes the repository over, and leaves what it does not name", async () => {
    world.sandbox.github.seedRepository({
      owner: "acme",
      name: "veteran",
      description: "Old",
      files: { "README.md": "# Old\n" },
    });
    const { settings: settingsBefore, ...before } = repositoryOf("veteran");
    await world.apply(...manifestsOf("adopt-a-repository/project.yaml"));
    await world.settle();
    await ready("Project", "veteran");
    const { settings, ...after } = repositoryOf("veteran");
    expect(after).toMatchObject({ id: before.id, files: before.files, branches: before.branches });
    expect(after.description).toBe("Older than its controller");
    expect(after.topics).toContain("veteran");
    const changed = Object.keys(settings).filter(
      (key) => JSON.stringify(settings[key]) !== JSON.stringify(settingsBefore[key]),
    );
    expect(changed).toEqual(["delete_branch_on_merge"]);
  });

  it("waits for consent without the annotation, and says which", async () => {
    world.sandbox.github.seedRepository({
      owner: "acme",
      name: "veteran",
      files: { "README.md": "# Old\n" },
    });
    const [project] = manifestsOf("adopt-a-repository/project.yaml");
    if (!project) throw new Error("the example declares nothing");
    const since = world.mark();
    await world.apply({ ...project, metadata: { name: project.metadata.name } });
    await world.settle();
    const object = await world.get("Project", "veteran");
    expect(conditionOf(object, "Ready")).toMatchObject({ status: "False", reason: "Conflict" });
    expect(conditionOf(object, "Stalled")).toMatchObject({ status: "True", reason: "Conflict" });
    expect(conditionOf(object, "Ready")?.message).toContain("flaresmith.dev/adopt: githubRepo");
    expect(world.changes(since)).toEqual([]);
  });
});

describe("examples/observe-only", () => {
  it("reports what was changed by hand and leaves it, until drift says Correct", async () => {
    await world.apply(...manifestsOf("observe-only/project.yaml"));
    await world.settle();
    await ready("Project", "handbook");
    expect(repositoryOf("handbook").description).toBe("How we work");

    await editRepository("handbook", { description: "How they work" });
    await world.request("Project", "handbook");
    await world.settle();
    const object = await world.get("Project", "handbook");
    expect(conditionOf(object, "Ready")).toMatchObject({ status: "True" });
    const upToDate = conditionOf(object, "UpToDate");
    expect(upToDate).toMatchObject({ status: "False", reason: "DriftDetected" });
    for (const part of ["description", "How they work", "How we work"])
      expect(upToDate?.message).toContain(part);
    expect(repositoryOf("handbook").description).toBe("How they work");

    const [project] = manifestsOf("observe-only/project.yaml");
    if (!project) throw new Error("the example declares nothing");
    await world.apply({ ...project, spec: { ...project.spec, drift: "Correct" } });
    await world.settle();
    expect(repositoryOf("handbook").description).toBe("How we work");
    expect(conditionOf(await world.get("Project", "handbook"), "UpToDate")).toMatchObject({ status: "True" });
  });
});

describe("examples/secrets", () => {
  const keys = (values: Record<string, string>): Manifest => ({
    kind: "Secret",
    metadata: { name: "payments-keys" },
    stringData: values,
  });

  it("brings every value to the targets it names, and to previews only what says so", async () => {
    await world.apply(
      keys({ stripe: "sk_test_1", session: "session-1", npm: "npm_1" }),
      ...manifestsOf("secrets/project.yaml", "secrets/payments-staging.yaml", "secrets/payments-pr-7.yaml"),
    );
    await world.settle();
    await ready("Environment", "payments-staging");
    await ready("Preview", "payments-pr-7");
    const worker = scriptOf("payments-api-staging");
    const databaseUrl = worker.secrets["DATABASE_URL"];
    expect(worker.secrets).toEqual({
      DATABASE_URL: databaseUrl,
      STRIPE_KEY: "sk_test_1",
      SESSION_KEY: "session-1",
    });
    const repository = repositoryOf("payments");
    expect(repository.secrets).toEqual({ NPM_TOKEN: "npm_1" });
    expect(repository.environments.find((one) => one.name === "staging")?.secrets).toEqual({
      DATABASE_URL: databaseUrl,
      STRIPE_KEY: "sk_test_1",
    });
    const [preview] = worker.previews;
    expect(Object.keys(preview?.secrets ?? {}).sort()).toEqual(["DATABASE_URL", "STRIPE_KEY"]);
    expect(preview?.secrets["DATABASE_URL"]).toMatch(/^postgres(ql)?:\/\/app:/);
    expect(new URL(preview?.secrets["DATABASE_URL"] ?? "").host).not.toBe(new URL(databaseUrl ?? "").host);
    expect(statusOf(await world.get("Preview", "payments-pr-7"))["neonBranch"]).toBe("preview/pr-7");

    const status = statusOf(await world.get("Environment", "payments-staging"));
    expect(status["secrets"]).toEqual([
      expect.objectContaining({ name: "DATABASE_URL", to: ["Worker", "GitHub"] }),
      expect.objectContaining({ name: "STRIPE_KEY", to: ["Worker", "GitHub"] }),
      expect.objectContaining({ name: "SESSION_KEY", to: ["Worker"] }),
    ]);
    for (const kind of ["Project", "Environment", "Preview"])
      for (const object of await world.list(kind))
        expect(JSON.stringify(object)).not.toMatch(/sk_test_1|session-1|npm_1|postgres(ql)?:\/\//);
  });

  it("brings a new value to the targets when somebody asks for a pass", async () => {
    await world.apply(
      keys({ stripe: "sk_test_1", session: "session-1", npm: "npm_1" }),
      ...manifestsOf("secrets/project.yaml", "secrets/payments-staging.yaml"),
    );
    await world.settle();
    await world.apply(keys({ stripe: "sk_test_2", session: "session-1", npm: "npm_1" }));
    await world.request("Environment", "payments-staging");
    await world.settle();
    expect(scriptOf("payments-api-staging").secrets["STRIPE_KEY"]).toBe("sk_test_2");
    expect(
      repositoryOf("payments").environments.find((one) => one.name === "staging")?.secrets["STRIPE_KEY"],
    ).toBe("sk_test_2");
  });

  it("says which Secret is missing and how to make it", async () => {
    await world.apply(...manifestsOf("secrets/project.yaml", "secrets/payments-staging.yaml"));
    await world.settle();
    const ofProject = conditionOf(await world.get("Project", "payments"), "Ready");
    expect(ofProject).toMatchObject({ status: "False" });
    expect(ofProject?.message).toContain("payments-keys");
  });
});

describe("examples/monorepo", () => {
  it("deploys two Workers from one repository, and only one Project writes to it", async () => {
    // As kubectl does it: by name of file, so that the repository is used before there is one.
    await world.apply(...manifestsOf("monorepo/admin.yaml"));
    await world.settle();
    const waiting = conditionOf(await world.get("Environment", "admin-production"), "GitHubSynced");
    expect(waiting).toMatchObject({ status: "False", reason: "RepositoryNotVisible" });
    await world.apply(...manifestsOf("monorepo/platform.yaml"));
    await world.pass(60_000);
    await world.settle();
    for (const name of ["platform", "admin"]) {
      await ready("Project", name);
      await ready("Environment", `${name}-production`);
    }
    const head = repositoryOf("platform").branches["main"];
    for (const name of ["platform-production", "admin-production"])
      expect(statusOf(await world.get("Environment", name))["revision"]).toBe(head);
    scriptOf("platform-web-production");
    scriptOf("admin-backoffice-production");

    const since = world.mark();
    await world.delete("Project", "admin");
    await world.until(async () => (await world.find("Project", "admin")) === undefined);
    expect(world.changes(since).filter((entry) => entry.provider === "github")).toEqual([]);
    expect(repositoryOf("platform").rulesets.map((one) => one.name)).toEqual(["main is protected"]);
    await ready("Project", "platform");
  });
});

describe("examples/deletion", () => {
  it("leaves what holds data or code in place by default, and writes down that it did", async () => {
    await world.apply(...manifestsOf("deletion/attic.yaml"));
    await world.settle();
    await ready("Environment", "attic-production");
    const before = identities(world.sandbox);
    await world.delete("Project", "attic");
    await world.until(async () => (await world.find("Project", "attic")) === undefined);
    expect(await world.list("Environment")).toEqual([]);
    const after = identities(world.sandbox);
    const gone = before.filter((thing) => !after.includes(thing));
    expect(gone.map((thing) => thing.replace(/ #.*$/, ""))).toEqual(["cloudflare worker attic-api-dev"]);

    const tombstones = (await world.list("ConfigMap")).filter(
      (map) => map.metadata.labels?.[TOMBSTONE_LABEL] !== undefined,
    );
    const left = tombstones.map((map) => {
      const { name, owner, provider, type } = map["data"] as Record<string, string>;
      return `${owner ?? ""}: ${provider ?? ""} ${type ?? ""} ${name ?? ""}`;
    });
    expect(left.sort()).toEqual(
      expect.arrayContaining([
        "Environment attic-dev: github gitBranch dev",
        "Environment attic-dev: neon branch dev",
        "Environment attic-production: cloudflare worker attic-api-production",
        "Project attic: github repository attic",
        "Project attic: neon project attic",
      ]),
    );
    for (const map of tombstones) {
      const { id, when, why } = map["data"] as Record<string, string>;
      expect(id).not.toBe("");
      expect(why).toBe("the object was deleted, and its policy is Orphan");
      expect(when).toMatch(/^2026-01-01T/);
    }
  });

  it("takes everything along with deletionPolicy: Delete, and touches nothing else", async () => {
    world.sandbox.github.seedRepository({
      owner: "acme",
      name: "bystander",
      files: { "README.md": "# Mine\n" },
    });
    const before = identities(world.sandbox);
    await world.apply(...manifestsOf("deletion/lab.yaml"));
    await world.settle();
    await ready("Environment", "lab-dev");
    await ready("Preview", "lab-pr-1");
    expect(identities(world.sandbox).length).toBeGreaterThan(before.length + 8);
    await world.delete("Project", "lab");
    await world.until(async () => (await world.find("Project", "lab")) === undefined);
    expect(await world.list("Preview")).toEqual([]);
    expect(await world.list("Environment")).toEqual([]);
    expect(identities(world.sandbox)).toEqual(before);
    const tombstones = (await world.list("ConfigMap")).filter(
      (map) => map.metadata.labels?.[TOMBSTONE_LABEL] !== undefined,
    );
    expect(tombstones).toEqual([]);
  });
});

describe("examples/real-providers", () => {
  it("works with nothing but three credentials, and leaves nothing behind", async () => {
    const { seed, urls } = world.sandbox;
    // All that is not the example's own: the addresses of the local providers, the organization that the token is for, and what the environment would hold.
    const endpoints: Record<string, Record<string, string>> = {
      github: { endpoint: urls.github, account: seed.github.owner },
      neon: { endpoint: urls.neon },
      cloudflare: { endpoint: urls.cloudflare },
    };
    const secret = (name: string, stringData: Record<string, string>): Manifest => ({
      kind: "Secret",
      metadata: { name },
      stringData,
    });
    const before = identities(world.sandbox);
    await world.apply(
      secret("env-github", { token: seed.github.token }),
      secret("env-neon", { apiKey: seed.neon.token }),
      secret("env-cloudflare", { apiToken: seed.cloudflare.token }),
    );
    for (const name of ["github", "neon", "cloudflare"]) await world.delete("Connection", name);
    await world.until(async () => (await world.list("Connection")).length === 0);
    const connections = manifestsOf("real-providers/connections.yaml").map(({ spec, ...rest }) => ({
      ...rest,
      spec: { ...spec, ...endpoints[rest.metadata.name] },
    }));
    await world.apply(...connections, ...manifestsOf("real-providers/hello.yaml"));
    await world.settle();
    for (const name of ["github", "neon", "cloudflare"]) await ready("Connection", name);
    await ready("Environment", "hello-production");
    const environment = statusOf(await world.get("Environment", "hello-production"));
    expect(environment["url"]).toContain("hello-web-production");
    const repository = repositoryOf("flaresmith-hello");
    expect(environment["revision"]).toBe(repository.branches["main"]);
    expect(environment["secrets"]).toMatchObject([{ name: "DATABASE_URL", to: ["Worker"] }]);
    expect(repository.environments).toEqual([]);

    await world.delete("Project", "hello");
    await world.until(async () => (await world.find("Project", "hello")) === undefined);
    expect(identities(world.sandbox)).toEqual(before);
  });
});
