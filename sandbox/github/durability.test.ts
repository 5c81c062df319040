import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { sqliteStorage } from "../core/adapters/sqlite-storage.ts";
import { memoryStorage, type SandboxStorage } from "../core/storage.ts";
import { bench, TOKEN, type Bench } from "./testing.ts";

it("comes back with the same world from the same file, tokens, keys and numbering included", async () => {
  const directory = mkdtempSync(join(tmpdir(), "github-durable-"));
  try {
    const first = sqliteStorage(join(directory, "state.db"));
    const before = bench({ storage: first });
    before.github.seedRepository({ owner: "acme", name: "shop", files: { "a/b.txt": "b\n" } });
    before.github.addToken({ token: "gone", owner: "acme", user: "ada" });
    before.github.revokeToken("gone");
    const key = await before.send("GET", "/repos/acme/shop/actions/secrets/public-key");
    await before.send("POST", "/repos/acme/shop/actions/variables", { body: { name: "A", value: "1" } });
    await before.send("PUT", "/repos/acme/shop/environments/dev", { body: {} });
    const state = before.github.state();
    first.close();

    const second = sqliteStorage(join(directory, "state.db"));
    const after = bench({
      storage: second,
      tokens: [
        { token: TOKEN, owner: "acme", user: "ada" },
        { token: "gone", owner: "acme", user: "ada" },
      ],
    });
    expect(after.github.state()).toEqual(state);
    expect((await after.send("GET", "/user", { token: "gone" })).status).toBe(401);
    expect((await after.send("GET", "/repos/acme/shop/actions/secrets/public-key")).json).toEqual(key.json);
    // Seeding again changes nothing: the sandbox seeds at every start.
    after.github.seedRepository({ owner: "acme", name: "shop", files: { other: "x" } });
    expect(after.github.state()).toEqual(state);
    const used = new Set((state as { repositories: { id: number }[] }).repositories.map((item) => item.id));
    expect(used.has(after.github.seedRepository({ owner: "acme", name: "next" }))).toBe(false);
    second.close();
  } finally {
    rmSync(directory, { recursive: true });
  }
});

it("is killed between any two writes and comes back with whole repositories or none", async () => {
  const steps = async (github: Bench): Promise<void> => {
    github.github.setDelays({ refMs: 0, objectsMs: 0, settingsMs: 0 });
    github.github.seedRepository({
      owner: "acme",
      name: "starter",
      isTemplate: true,
      topics: ["t"],
      files: { "a/b.txt": "b" },
    });
    const name = (await github.send("GET", "/repos/acme/shop")).status === 404 ? "shop" : undefined;
    if (name !== undefined)
      await github.send("POST", "/repos/acme/starter/generate", { body: { owner: "acme", name } });
    if ((await github.send("GET", "/repos/acme/plain")).status === 404)
      await github.send("POST", "/orgs/acme/repos", { body: { name: "plain", auto_init: true } });
  };
  const summary = (github: Bench): unknown =>
    (
      github.github.state() as { repositories: { name: string; files: unknown; topics: unknown }[] }
    ).repositories.map(({ name, files, topics }) => ({ name, files, topics }));
  const whole = bench();
  await steps(whole);
  const expected = summary(whole);
  let completed = false;
  for (let killAt = 1; !completed; killAt += 1) {
    const inner = memoryStorage();
    let writes = 0;
    // Without groups of writes: what is kept is what was written, in the order it was written.
    const dying: SandboxStorage = {
      transaction: (run) => run(),
      collection: <Value>(name: string) => {
        const collection = inner.collection<Value>(name);
        const guard = (): void => {
          writes += 1;
          if (writes >= killAt) throw new Error("killed");
        };
        return {
          ...collection,
          set: (key: string, value: Value) => {
            guard();
            collection.set(key, value);
          },
          delete: (key: string) => {
            guard();
            return collection.delete(key);
          },
        };
      },
    };
    try {
      const first = bench({ storage: dying });
      await steps(first);
      completed = writes < killAt;
    } catch {
      completed = false;
    }
    const second = bench({ storage: inner });
    await steps(second);
    expect([killAt, summary(second)]).toEqual([killAt, expected]);
  }
});
