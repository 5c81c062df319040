import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCredentialPlugin, type PluginToken } from "./run-credential-plugin.ts";
import { systemClock } from "./system.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "flaresmith-plugin-"));
});
afterAll(() => rm(directory, { recursive: true }));

const apiVersion = "client.authentication.k8s.io/v1";

/** Runs a plugin that is written in JavaScript. */
async function run(code: string): Promise<PluginToken> {
  const command = join(directory, "plugin");
  await writeFile(command, `#!${process.execPath}\n${code}\n`);
  await chmod(command, 0o755);
  const call = {
    command,
    args: ["get-token"],
    env: { FLAVOUR: "sour" },
    apiVersion,
    cluster: { server: "https://example.com" },
  };
  return runCredentialPlugin(call, { clock: systemClock(), environment: { PATH: "/nowhere" } });
}

const print = (status: string): string =>
  `console.log(JSON.stringify({ apiVersion: "${apiVersion}", kind: "ExecCredential", status: ${status} }))`;

test("the token that it prints, with its end; it is told the cluster, its arguments and its environment", async () => {
  const told =
    '[process.argv[2], process.env.FLAVOUR, JSON.parse(process.env.KUBERNETES_EXEC_INFO).spec.cluster.server].join(" ")';
  expect(await run(print(`{ token: ${told}, expirationTimestamp: "2026-01-01T00:00:00Z" }`))).toEqual({
    token: "get-token sour https://example.com",
    expiresAt: Date.UTC(2026, 0, 1),
  });
});

test("one that fails, prints nothing of use or is not there says so", async () => {
  await expect(run('console.error("log in first"); process.exitCode = 3')).rejects.toThrow(
    "ended with exit code 3: log in first",
  );
  await expect(run('console.log("hello")')).rejects.toThrow("printed no JSON");
  await expect(run('console.log("{}")')).rejects.toThrow(`printed no ExecCredential of ${apiVersion}`);
  await expect(run(print("{}"))).rejects.toThrow("printed no token");
  await expect(run(print('{ clientCertificateData: "PEM" }'))).rejects.toThrow("only tokens are supported");
  const missing = {
    command: "no-such-plugin",
    args: [],
    env: {},
    apiVersion,
    installHint: "Install it from there",
  };
  await expect(
    runCredentialPlugin(missing, { clock: systemClock(), environment: { PATH: "/nowhere" } }),
  ).rejects.toThrow("the credential plugin no-such-plugin cannot be started: Install it from there");
});
