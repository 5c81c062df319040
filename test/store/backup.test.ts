/** The remedy that a broken store names: a backup of the running store, restored, recognises everything it made. */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { clientOf } from "../support/cluster.ts";
import { changesAt, quickstart, run, start, stateOf, temporaryDirectory } from "../e2e/command-line.ts";
import { typeOf } from "../support/world.ts";

const LIMIT = 240_000;
const secret = {
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "made-by-hand", namespace: "default" },
  type: "Opaque",
  stringData: { token: "not in any Source" },
};

/** What exists, with ids: something deleted and made anew is seen. Times and passwords are left out. */
async function identities(data: string): Promise<unknown> {
  const { cloudflare, github, neon } = await stateOf(data);
  return {
    repositories: github.repositories.map(({ branches, hooks, name, rulesets }) => ({
      name,
      branches: Object.keys(branches).toSorted(),
      hooks,
      rulesets,
    })),
    neon: neon.projects.map(({ branches, name, ...rest }) => ({
      name,
      id: (rest as { id?: string }).id,
      branches: branches.map((branch) => ({ name: branch.name, id: (branch as { id?: string }).id })),
    })),
    scripts: cloudflare.accounts.flatMap(({ scripts }) => scripts.map(({ name }) => name)),
  };
}

test(
  "a backup taken while it runs, restored after the store was lost: everything is recognised, nothing is created",
  { timeout: LIMIT },
  async () => {
    const directory = temporaryDirectory();
    const data = join(directory, "data");
    const saved = join(directory, "saved.db");
    const up = ["up", "--sandbox", "--source", quickstart, "--data-dir", data, "-o", "json"];
    const first = start(up);
    await first.line((line) => line.startsWith('{"event":"result"'));
    const server = await clientOf(join(data, "kubeconfig"));
    await server.client.create(typeOf("Secret"), secret);
    const before = await identities(data);
    const backup = await run(["backup", saved, "--data-dir", data]);
    expect(backup).toMatchObject({ code: 0, err: "" });
    expect(backup.out).toMatch(/^Saved \d+ objects to \S+saved\.db\. It holds Secrets as they are/);
    expect(statSync(saved).mode & 0o777).toBe(0o600);
    expect(await run(["backup", saved, "--data-dir", data])).toMatchObject({
      code: 1,
      err: expect.stringContaining("nothing is overwritten"),
    });
    // Comes after the backup, and is not in it.
    await server.client.delete(typeOf("Secret"), { namespace: "default", name: "made-by-hand" });
    await server.close();
    first.process.kill("SIGTERM");
    expect(await first.ended).toMatchObject({ code: 0 });

    const store = join(data, "store.db");
    writeFileSync(store, "lost");
    const refused = await run(up);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain("flaresmith restore");
    const restoring = ["restore", saved, "--data-dir", data];
    expect(await run(restoring)).toMatchObject({
      code: 1,
      err: expect.stringContaining("Move it away first"),
    });
    expect(readFileSync(store, "utf8"), "not touched").toBe("lost");
    mkdirSync(join(directory, "kept"));
    renameSync(store, join(directory, "kept", "store.db"));
    const restored = await run(restoring);
    expect(restored).toMatchObject({ code: 0, err: "" });
    expect(readdirSync(data).filter((name) => name.startsWith("store"))).toEqual(["store.db"]);

    const second = start(up);
    await second.line((line) => line.startsWith('{"event":"result"') && line.includes('"ready":true'));
    const again = await clientOf(join(data, "kubeconfig"));
    expect(
      await again.client.get(typeOf("Secret"), { namespace: "default", name: "made-by-hand" }),
    ).toMatchObject({
      data: { token: Buffer.from("not in any Source").toString("base64") },
    });
    await again.close();
    expect(await changesAt(data), "changes at the providers since the restore").toEqual([]);
    expect(await identities(data)).toEqual(before);
    second.process.kill("SIGTERM");
    expect(await second.ended).toMatchObject({ code: 0 });
  },
);

test(
  "a store at rest is saved as well, and what is wrong is said in two lines",
  { timeout: 60_000 },
  async () => {
    const directory = temporaryDirectory();
    const data = join(directory, "data");
    const running = start(["up", "--installation", "test", "--data-dir", data, "-o", "json"]);
    await running.line((line) => line.startsWith('{"event":"started"'));
    running.process.kill("SIGTERM");
    await running.ended;
    const saved = join(directory, "saved.db");
    const backup = await run(["backup", saved, "--data-dir", data, "-o", "json"]);
    expect(JSON.parse(backup.out)).toMatchObject({ file: saved, objects: expect.any(Number) });
    const other = join(directory, "other");
    expect(await run(["restore", saved, "--data-dir", other])).toMatchObject({ code: 0 });
    const known = start(["up", "--installation", "other", "--data-dir", other]);
    expect((await known.ended).err, "who the installation is comes with it").toContain(
      "belongs to installation test",
    );

    const none = await run(["backup", join(directory, "x.db"), "--data-dir", join(directory, "nowhere")]);
    expect(none.code).toBe(1);
    expect(none.err).toMatch(/^error: there is no store in [^\n]+nowhere\nhint: [^\n]+--data-dir[^\n]+\n$/);
    writeFileSync(join(directory, "broken.db"), "no store at all".repeat(100));
    const broken = await run(["restore", join(directory, "broken.db"), "--data-dir", join(directory, "new")]);
    expect(broken.code).toBe(1);
    expect(broken.err).toMatch(
      /^error: The store [^\n]+broken\.db is damaged: file is not a database\.\nhint: [^\n]+Restore another backup[^\n]*\n$/,
    );
    expect(existsSync(join(directory, "new", "store.db"))).toBe(false);
  },
);
