import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isInCluster, readInClusterAccess } from "./in-cluster.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "flaresmith-service-account-"));
});
afterAll(() => rm(directory, { recursive: true }));

const env = { KUBERNETES_SERVICE_HOST: "10.0.0.1", KUBERNETES_SERVICE_PORT: "443" };

test("a pod is known by the variables that the kubelet sets", () => {
  expect(isInCluster(env)).toBe(true);
  expect(isInCluster({ ...env, KUBERNETES_SERVICE_PORT: "" })).toBe(false);
  expect(isInCluster({})).toBe(false);
});

test("the service account's files say the rest; what is missing is named, with the remedy", async () => {
  await writeFile(join(directory, "token"), "secret\n");
  await writeFile(join(directory, "ca.crt"), "PEM");
  await expect(readInClusterAccess(env, directory)).rejects.toThrow(
    `${join(directory, "namespace")} cannot be read: mount the service account's token into the pod`,
  );
  await writeFile(join(directory, "namespace"), "flaresmith-system\n");
  expect(await readInClusterAccess(env, directory)).toEqual({
    server: "https://10.0.0.1:443",
    namespace: "flaresmith-system",
    authority: "PEM",
    files: { authority: join(directory, "ca.crt") },
    tokenFile: join(directory, "token"),
  });
  await expect(readInClusterAccess({}, directory)).rejects.toThrow("this process runs in no pod");
});

test("IPv6 addresses are written as URLs want them", async () => {
  const access = await readInClusterAccess({ ...env, KUBERNETES_SERVICE_HOST: "fd00::1" }, directory);
  expect(access.server).toBe("https://[fd00::1]:443");
});
