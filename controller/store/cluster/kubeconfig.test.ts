import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
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
    files: { authority: join(directory, "ca.pem") },
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

test("certificates that lie in files are named with them, because files are renewed", async () => {
  await writeFile(join(directory, "client.pem"), "CERT");
  await writeFile(join(directory, "client.key"), "KEY");
  const access = await readKubeconfig(
    await write(config("{client-certificate: client.pem, client-key: client.key}")),
  );
  expect(access.client).toEqual({ certificate: "CERT", privateKey: "KEY" });
  expect(access.files).toMatchObject({
    certificate: join(directory, "client.pem"),
    privateKey: join(directory, "client.key"),
  });
});

test("what is missing is named, with the file and what there is", async () => {
  const path = await write(config("{token: secret}"));
  await expect(readKubeconfig(path, { context: "three" })).rejects.toThrow(
    `${path}: there is no context "three": it has one, two`,
  );
  await expect(readKubeconfig(path, { context: "two" })).rejects.toThrow('cluster "missing" has no server');
  const none = await write("apiVersion: v1\nkind: Config\n");
  await expect(readKubeconfig(none)).rejects.toThrow("it has no current-context: name one (it has none)");
  await expect(readKubeconfig(await write("a: [b"))).rejects.toThrow("cannot be read as a kubeconfig");
  const half = await write(config("{client-certificate-data: QQ==}"));
  await expect(readKubeconfig(half)).rejects.toThrow("client-certificate and client-key belong together");
  const lost = await write(config("{client-certificate: gone.pem, client-key: gone.pem}"));
  await expect(readKubeconfig(lost)).rejects.toThrow('client-certificate "gone.pem" cannot be read');
});

test("a token file is named, not read, and wins over a token: it is the one that is renewed", async () => {
  const access = await readKubeconfig(await write(config("{token: old, tokenFile: token.txt}")));
  expect(access.tokenFile).toBe(join(directory, "token.txt"));
  expect(access.token).toBeUndefined();
});

test("a program that prints credentials is started only when that is allowed", async () => {
  const exec =
    "{exec: {apiVersion: client.authentication.k8s.io/v1, command: ./bin/aws, args: [eks, get-token], env: [{name: A, value: b}], provideClusterInfo: true}}";
  const path = await write(config(exec));
  await expect(readKubeconfig(path)).rejects.toThrow(
    'its credentials come from the program "./bin/aws", and programs are not started unasked: allow it with --allow-credential-plugin',
  );
  expect((await readKubeconfig(path, { allowPlugin: true })).plugin).toEqual({
    command: join(directory, "bin/aws"),
    args: ["eks", "get-token"],
    env: { A: "b" },
    apiVersion: "client.authentication.k8s.io/v1",
    cluster: { server: "https://example.com:6443", "certificate-authority": "ca.pem" },
  });
  const asks = await write(config(exec.replace("command:", "interactiveMode: Always, command:")));
  await expect(readKubeconfig(asks, { allowPlugin: true })).rejects.toThrow("nobody is there to answer");
});

test("what API servers no longer take is refused by name", async () => {
  await expect(readKubeconfig(await write(config("{username: a, password: b}")))).rejects.toThrow(
    "API servers take no passwords",
  );
  await expect(readKubeconfig(await write(config("{auth-provider: {name: gcp}}")))).rejects.toThrow(
    "auth-provider is no longer part of Kubernetes",
  );
});

test("TLS settings, proxy and impersonation", async () => {
  const cluster = `{server: "https://10.0.0.1", insecure-skip-tls-verify: true, tls-server-name: api.example.com, proxy-url: "http://proxy:3128"}`;
  const user = "{token: t, as: jane, as-uid: u1, as-groups: [devs, ops], as-user-extra: {scopes: [read]}}";
  const text = config(user).replace(/cluster: \{server.*\}\}/, `cluster: ${cluster}}`);
  expect(await readKubeconfig(await write(text))).toEqual({
    server: "https://10.0.0.1",
    namespace: "team",
    skipVerification: true,
    serverName: "api.example.com",
    proxy: "http://proxy:3128",
    token: "t",
    impersonate: { user: "jane", uid: "u1", groups: ["devs", "ops"], extra: { scopes: ["read"] } },
  });
  const both = text.replace("insecure-skip", "certificate-authority: ca.pem, insecure-skip");
  await expect(readKubeconfig(await write(both))).rejects.toThrow("cannot have both");
  const socks = text.replace("http://proxy", "socks5://proxy");
  await expect(readKubeconfig(await write(socks))).rejects.toThrow("name an http or https proxy");
});

test("several files are one, the first that says something wins, and paths belong to their file", async () => {
  const path = await write(config("{token: secret}"));
  const other = join(directory, "other");
  await writeFile(
    other,
    `current-context: three
contexts:
- {name: three, context: {cluster: c, user: w}}
- {name: one, context: {cluster: c, user: w}}
users:
- {name: w, user: {token: other}}
`,
  );
  const missing = join(directory, "missing");
  const both = [missing, other, path].join(delimiter);
  expect(await readKubeconfig(both)).toMatchObject({ server: "https://example.com:6443", token: "other" });
  expect(await readKubeconfig([path, other].join(delimiter))).toMatchObject({
    token: "secret",
    authority: "PEM",
  });
  await expect(readKubeconfig(missing)).rejects.toThrow(`${missing}: cannot be read as a kubeconfig`);
});
