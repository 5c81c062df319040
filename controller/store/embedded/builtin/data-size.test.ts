import { expect, test } from "vitest";
import { openTestStore } from "../testing.ts";
import { configMapType } from "./config-map.ts";
import { secretType } from "./secret.ts";

const MEBIBYTE = 1024 * 1024;
const metadata = { name: "large", namespace: "default" };
const configMap = (text: string, bytes: number) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata,
  data: { text },
  binaryData: { bytes: Buffer.alloc(bytes).toString("base64") },
});

test("a ConfigMap holds a mebibyte of texts and bytes together, and no byte more", async () => {
  const store = await openTestStore();
  await expect(
    store.create(configMapType.type, configMap("ü".repeat(MEBIBYTE / 2 - 4), 9)),
  ).rejects.toMatchObject({
    code: 422,
    message: 'ConfigMap "large" is invalid: []: Too long: may not be more than 1048576 bytes',
  });
  await store.create(configMapType.type, configMap("ü".repeat(MEBIBYTE / 2 - 4), 8));
  await expect(
    store.patch(configMapType.type, metadata, { type: "merge", body: { data: { more: "x" } } }),
  ).rejects.toMatchObject({ code: 422 });
});

test("so does a Secret", async () => {
  const store = await openTestStore();
  const secret = (bytes: number) => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata,
    data: { bytes: Buffer.alloc(bytes).toString("base64") },
  });
  await expect(store.create(secretType.type, secret(MEBIBYTE + 1))).rejects.toMatchObject({ code: 422 });
  await store.create(secretType.type, secret(MEBIBYTE));
});
