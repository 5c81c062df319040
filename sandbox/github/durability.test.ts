import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { sqliteStorage } from "../core/adapters/sqlite-storage.ts";
import { bench, TOKEN } from "./testing.ts";

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
