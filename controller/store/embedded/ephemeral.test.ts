import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { secretType } from "./builtin/secret.ts";
import { openTestStore } from "./testing.ts";

const secret = (token: string) => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "env-github", namespace: "default" },
  stringData: { token },
});

test("an ephemeral secret can be read and changed, and is never written to the file", async () => {
  const directory = mkdtempSync(join(tmpdir(), "flaresmith-store-"));
  const path = join(directory, "store.db");
  const store = await openTestStore({ path });
  await store.putEphemeral(secretType.type, secret("first-canary-token"));
  await store.putEphemeral(secretType.type, secret("second-canary-token"));
  const key = { namespace: "default", name: "env-github" };
  await store.patch(secretType.type, key, { type: "merge", body: { metadata: { labels: { a: "b" } } } });
  expect((await store.get(secretType.type, key))["data"]).toEqual({
    token: Buffer.from("second-canary-token").toString("base64"),
  });
  const { revision } = store;
  for (const file of [path, `${path}-wal`]) {
    const bytes = readFileSync(file).toString("latin1");
    for (const canary of [
      "first-canary",
      "second-canary",
      Buffer.from("second-canary-token").toString("base64"),
      "env-github",
    ])
      expect(bytes).not.toContain(canary);
  }
  await store.close();
  const again = await openTestStore({ path });
  await expect(again.get(secretType.type, key)).rejects.toMatchObject({ reason: "NotFound" });
  expect(Number(again.revision)).toBeGreaterThanOrEqual(Number(revision));
  await again.close();
});

test("an ephemeral object does not push out a stored one", async () => {
  const store = await openTestStore();
  await store.create(secretType.type, secret("a"));
  await expect(store.putEphemeral(secretType.type, secret("b"))).rejects.toMatchObject({
    reason: "AlreadyExists",
  });
});
