/** Which cluster the controller goes to. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findAccess } from "./access.ts";

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "flaresmith-home-"));
  await mkdir(join(home, ".kube"));
  await writeFile(join(home, ".kube", "config"), kubeconfig("home"));
  await writeFile(join(home, "named"), kubeconfig("named"));
});
afterAll(() => rm(home, { recursive: true }));

const kubeconfig = (name: string): string =>
  `clusters: [{name: c, cluster: {server: "https://${name}"}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: one, context: {cluster: c, user: u}}, {name: two, context: {cluster: c, user: u, namespace: two}}]
current-context: one
`;
const pod = { KUBERNETES_SERVICE_HOST: "10.0.0.1", KUBERNETES_SERVICE_PORT: "443" };
const find = (options: { kubeconfig?: string; context?: string }, env: Record<string, string>) =>
  findAccess({ allowCredentialPlugin: false, ...options }, { HOME: home, ...env });

test("--kubeconfig before KUBECONFIG, that before the pod's own, that before the person's", async () => {
  const named = join(home, "named");
  const server = async (options: { kubeconfig?: string }, env: Record<string, string>): Promise<string> =>
    (await find(options, env)).access.server;
  expect(await server({ kubeconfig: named }, { KUBECONFIG: "/nowhere", ...pod })).toBe("https://named");
  expect(await server({}, { KUBECONFIG: named, ...pod })).toBe("https://named");
  expect(await server({}, {})).toBe("https://home");
  await expect(server({}, pod)).rejects.toThrow("mount the service account's token into the pod");
});

test("a context is chosen, and refused where there is none to choose", async () => {
  expect((await find({ context: "two" }, {})).access.namespace).toBe("two");
  await expect(find({ context: "two" }, pod)).rejects.toMatchObject({
    message: "--context names a context of a kubeconfig, and none is used inside of a cluster",
    exitCode: 2,
  });
});
