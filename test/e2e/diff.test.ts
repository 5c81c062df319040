/** `flaresmith diff`: what would change at the providers, and nothing changes anywhere. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { expect, test } from "vitest";
import { changesAt, quickstart, run, start, temporaryDirectory } from "./command-line.ts";

const LIMIT = 120_000;

interface Preview {
  basis: { server: string | null; installation: string | null };
  changes: number;
  objects: {
    kind: string;
    name: string;
    error?: { code: string };
    changes: {
      slot: string;
      action: string;
      fields: { field: string; from?: string; to?: string }[];
      message?: string;
    }[];
  }[];
}

/** `Kind/name slot action` of every change. */
function summary(out: string): string[] {
  const preview = JSON.parse(out) as Preview;
  return preview.objects.flatMap(({ changes, kind, name }) =>
    changes.map(({ action, slot }) => `${kind}/${name} ${slot} ${action}`),
  );
}

function platform(directory: string): string {
  const manifests = join(directory, "platform");
  cpSync(quickstart, manifests, { recursive: true, filter: (path) => !path.endsWith("template") });
  return manifests;
}

function edit(file: string, from: string, to: string): void {
  const text = readFileSync(file, "utf8");
  expect(text).toContain(from);
  writeFileSync(file, text.replace(from, to));
}

test(
  "with a running server: edits, additions and removals show as changes, and nothing is written",
  { timeout: LIMIT },
  async () => {
    const directory = temporaryDirectory();
    const data = join(directory, "data");
    const manifests = platform(directory);
    const running = start(["up", "--sandbox", "--source", quickstart, "--data-dir", data, "-o", "json"]);
    await running.line((line) => line.startsWith('{"event":"result"'));
    const diff = ["diff", "-f", manifests, "--data-dir", data, "-o", "json"];
    const same = await run(diff);
    expect(summary(same.out)).toEqual([]);
    expect(same.code).toBe(0);
    expect((JSON.parse(same.out) as Preview).basis).toEqual({
      server: expect.stringMatching(/^https:\/\/127\.0\.0\.1:\d+$/) as string,
      installation: expect.stringMatching(/^local-/) as string,
    });
    const told = await run(["diff", "-f", manifests, "--data-dir", data]);
    expect(told.out).toBe("Nothing would change at the providers.\n");
    expect(told.err).toMatch(/^note: compared through https:\/\/127\.0\.0\.1:\d+, as installation local-/m);

    edit(join(manifests, "project.yaml"), "description: The shop", "description: Another shop");
    edit(
      join(manifests, "shop-staging.yaml"),
      "    variables:\n      - {name: STAGE, value: staging}\n",
      "    variables:\n      - {name: COLOUR, value: blue}\n",
    );
    writeFileSync(
      join(manifests, "shop-qa.yaml"),
      readFileSync(join(manifests, "shop-dev.yaml"), "utf8")
        .replaceAll("shop-dev", "shop-qa")
        .replace("branch: dev", "branch: qa"),
    );
    const before = await changesAt(data);
    const objects = await run(["get", "all", "-A", "-o", "json", "--data-dir", data]);
    const changed = await run(diff);
    expect(changed.code).toBe(1);
    expect(summary(changed.out)).toEqual(
      expect.arrayContaining([
        "Project/shop githubRepo update",
        "Environment/shop-staging githubVariables update",
        "Environment/shop-qa neonBranch create",
        "Environment/shop-qa gitBranch create",
        "Environment/shop-qa cloudflareWorker/api create",
      ]),
    );
    const { objects: planned } = JSON.parse(changed.out) as Preview;
    const repository = planned
      .find(({ kind }) => kind === "Project")
      ?.changes.find(({ slot }) => slot === "githubRepo");
    expect(repository?.fields).toEqual([
      { field: "description", effect: "in-place", from: "The shop", to: "Another shop" },
    ]);
    expect(
      planned
        .filter(({ name }) => name === "shop-dev" || name === "shop-production")
        .flatMap(({ changes }) => changes),
    ).toEqual([]);
    expect(await changesAt(data)).toEqual(before);
    expect((await run(["get", "all", "-A", "-o", "json", "--data-dir", data])).out).toBe(objects.out);
  },
);

test("without a server: everything would be created, and nothing is", { timeout: LIMIT }, async () => {
  const directory = temporaryDirectory();
  const data = join(directory, "data");
  const manifests = platform(directory);
  const sandbox = start(["sandbox", "--data-dir", data, "-o", "json"]);
  await sandbox.line((line) => line.startsWith('{"event":"started"'));
  const env = JSON.parse((await run(["sandbox", "env", "--data-dir", data, "-o", "json"])).out) as Record<
    string,
    string
  >;
  const connections = [
    { name: "github", provider: "GitHub", endpoint: env["GITHUB_API_URL"], account: "acme" },
    { name: "neon", provider: "Neon", endpoint: env["NEON_API_URL"], account: env["NEON_ORG_ID"] },
    {
      name: "cloudflare",
      provider: "Cloudflare",
      endpoint: env["CLOUDFLARE_API_BASE_URL"],
      account: env["CLOUDFLARE_ACCOUNT_ID"],
    },
  ];
  const documents = connections.map(({ name, ...spec }) =>
    stringify({
      apiVersion: "flaresmith.dev/v1alpha1",
      kind: "Connection",
      metadata: { name },
      spec: { ...spec, credentials: { secretRef: { name: `env-${name}` } } },
    }),
  );
  writeFileSync(join(manifests, "connections.yaml"), documents.join("---\n"));
  const elsewhere = join(directory, "elsewhere");
  const { GITHUB_TOKEN = "", NEON_API_KEY = "", CLOUDFLARE_API_TOKEN = "" } = env;
  const ended = await run(["diff", "-f", manifests, "--data-dir", elsewhere, "-o", "json"], {
    env: { GITHUB_TOKEN, NEON_API_KEY, CLOUDFLARE_API_TOKEN },
  });
  expect(summary(ended.out).filter((line) => !line.endsWith(" create"))).toEqual([]);
  expect(summary(ended.out)).toEqual(
    expect.arrayContaining(["Project/shop githubRepo create", "Project/shop neonProject create"]),
  );
  expect(ended.code).toBe(1);
  expect((JSON.parse(ended.out) as Preview).basis).toEqual({ server: null, installation: null });
  const inNamespace = await run(
    ["diff", "-f", manifests, "-n", "team-a", "--data-dir", elsewhere, "-o", "json"],
    { env: { GITHUB_TOKEN, NEON_API_KEY, CLOUDFLARE_API_TOKEN } },
  );
  expect(inNamespace.err).toBe("");
  expect(summary(inNamespace.out), "as in namespace default").toEqual(summary(ended.out));
  expect(inNamespace.code).toBe(1);
  expect(await changesAt(data)).toEqual([]);

  const refused = await run(["diff", "-f", manifests, "--data-dir", elsewhere], {
    env: { GITHUB_TOKEN: "wrong-token", NEON_API_KEY, CLOUDFLARE_API_TOKEN },
  });
  expect(refused.code).toBe(2);
  expect(refused.out).not.toContain("wrong-token");
  expect(refused.err).toContain("note: no server runs here: the manifests are all there is");

  const named = await run(["diff", "-f", manifests, "--kubeconfig", join(elsewhere, "kubeconfig")]);
  expect(named, "another server than the one that was named is no answer").toMatchObject({
    code: 2,
    err: expect.stringContaining("kubeconfig does not exist") as string,
  });
  mkdirSync(elsewhere, { recursive: true });
  writeFileSync(join(elsewhere, "kubeconfig"), "clusters: [");
  const broken = await run(["diff", "-f", manifests, "--data-dir", elsewhere]);
  expect(broken, "whether a server runs there cannot be told").toMatchObject({
    code: 2,
    out: "",
    err: expect.stringContaining("cannot be read as a kubeconfig") as string,
  });
  sandbox.process.kill("SIGTERM");
  expect(await sandbox.ended).toMatchObject({ code: 0 });
});

test(
  "manifests with mistakes are named with file, line and field, and the exit code is 2",
  { timeout: LIMIT },
  async () => {
    const manifests = join(temporaryDirectory(), "platform");
    mkdirSync(manifests);
    writeFileSync(
      join(manifests, "a.yaml"),
      "apiVersion: flaresmith.dev/v1alpha1\nkind: Environment\nmetadata: {name: dev}\nspec:\n  projectRef: {name: shop}\n  stage: Dev\n  colour: blue\n",
    );
    const { code, err } = await run(["diff", "-f", manifests, "--data-dir", join(manifests, "none")]);
    expect(code).toBe(2);
    expect(err).toMatch(/a\.yaml:7:\d+: .*spec\.colour/);
  },
);
