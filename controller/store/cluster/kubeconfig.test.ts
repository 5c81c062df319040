import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readKubeconfig } from "./kubeconfig.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "flaresmith-kubeconfig-"));
});
afterAll(() => rm(directory, { recursive: true }));

async function write(text: string): Promise<string> {
  const path = join(directory, "config");
  await writeFile(path, text);
  return path;
}

const config = (user: string): string => `apiVersion: v1
kind: Config
clusters:
- {name: c, cluster: {server: "https://example.com:6443", certificate-authority: ca.pem}}
users:
- {name: u, user: ${user}}
contexts:
- {name: one, context: {cluster: c, user: u, namespace: team}}
- {name: two, context: {cluster: missing, user: u}}
current-context: one
`;

test("token, authority file beside it and namespace of the current context", async () => {
  await writeFile(join(directory, "ca.pem"), "PEM");
  expect(await readKubeconfig(await write(config("{token: secret}")))).toEqual({
    server: "https://example.com:6443",
    namespace: "team",
    authority: "PEM",
    token: "secret",
  });
});

test("inline client certificate", async () => {
  const encoded = (text: string): string => Buffer.from(text).toString("base64");
  const user = `{client-certificate-data: ${encoded("CERT")}, client-key-data: ${encoded("KEY")}}`;
  expect((await readKubeconfig(await write(config(user)))).client).toEqual({
    certificate: "CERT",
    privateKey: "KEY",
  });
});

test("what is missing is named, with the file", async () => {
  const path = await write(config("{token: secret}"));
  await expect(readKubeconfig(path, "three")).rejects.toThrow(`${path}: there is no context "three"`);
  await expect(readKubeconfig(path, "two")).rejects.toThrow('cluster "missing" has no server');
  const exec = await write(config("{exec: {command: aws}}"));
  await expect(readKubeconfig(exec)).rejects.toThrow("credentials that a program fetches are not read here");
});
