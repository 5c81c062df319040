import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRepository } from "../../../test/support/git-repository.ts";
import { isAllowedAddress } from "./allowed-address.ts";
import { branchRef, checkGitUrl } from "./git-url.ts";

let root: string;
let allowed: string;
const asked: string[] = [];
/** Names that an attacker could have made. */
const names: Readonly<Record<string, string[]>> = {
  "metadata.example": ["169.254.169.254"],
  "rebind.example": ["203.0.113.7", "169.254.169.254"],
  "six.example": ["fd00:ec2::254"],
  "public.example": ["203.0.113.7", "2001:db8::7"],
  "inside.example": ["10.1.2.3"],
};
const check = (url: string) =>
  checkGitUrl(url, {
    directories: [allowed],
    resolveHost: (host) => {
      asked.push(host);
      const found = names[host];
      return found === undefined ? Promise.reject(new Error("ENOTFOUND")) : Promise.resolve(found);
    },
  });

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "git-url-"));
  allowed = join(root, "allowed");
  await mkdir(allowed);
});
afterAll(() => rm(root, { recursive: true }));

describe("a URL", () => {
  test.each([
    ["ext::sh -c touch% /tmp/x", /white space/],
    ["ext::sh%20-c%20true", /scheme ext: is not supported/],
    ["fd::17/foo", /scheme fd: is not supported/],
    ["http://example.com/x.git", /scheme http: is not supported/],
    ["git://example.com/x.git", /scheme git: is not supported/],
    ["ftp://example.com/x.git", /scheme ftp: is not supported/],
    ["javascript:alert(1)", /scheme javascript: is not supported/],
    ["--upload-pack=touch", /this is no URL/],
    ["-u./payload", /this is no URL/],
    ["/etc", /this is no URL/],
    ["../x.git", /this is no URL/],
    ["", /this is no URL/],
    ["https://", /this is no URL/],
    ["https://example.com/x\n--upload-pack=y", /white space, control characters/],
    ["https://example.com/x\u0000y", /white space, control characters/],
    ["https://good.example\\@evil.example/x", /backslashes/],
    ["https://token@example.com/x.git", /contains credentials/],
    ["https://user:token@example.com/x.git", /contains credentials/],
    ["https://:token@example.com/x.git", /contains credentials/],
    ["ssh://user:token@example.com/x.git", /contains credentials/],
    ["ssh://-oProxyCommand=x/", /user or host of the URL is not one/],
    ["ssh://-oProxyCommand=x@example.com/y", /user or host of the URL is not one/],
    ["ssh://%2doProxyCommand=x/y", /user or host of the URL is not one/],
    ["ssh://%2doProxyCommand=x@example.com/y", /user or host of the URL is not one/],
    ["ssh://a%0ab@example.com/y", /user or host of the URL is not one/],
    ["ssh://example.com%20-oProxyCommand=x/y", /user or host of the URL is not one/],
    ["ssh://[-oProxyCommand=x]/y", /this is no URL/],
    ["ssh://example.com", /user or host of the URL is not one/],
    ["-oProxyCommand=x@example.com:y", /this is no URL/],
    ["git@-oProxyCommand=x:y", /this is no URL/],
    ["git@example.com:-oProxyCommand=x", /this is no URL/],
    ["file://host/x", /names no host/],
    ["file:///etc", /--allow-directory/],
    ["file:///a%2fb", /a slash cannot be encoded/],
  ])("%s is refused with the remedy, and nobody looks for a host", async (url, message) => {
    asked.length = 0;
    const refused = await check(url).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      code: "SOURCE_NOT_READABLE",
      field: "spec.git.url",
      message: expect.stringMatching(/./),
      hint: expect.stringMatching(/./),
    });
    const { message: said, hint } = refused as { message: string; hint: string };
    expect(`${said} ${hint}`).toMatch(message);
    expect(`${said} ${hint}`).not.toContain("token");
    expect(asked).toEqual([]);
  });

  test.each([
    "https://169.254.169.254/latest/meta-data/",
    "https://[fd00:ec2::254]/x",
    "https://[fe80::1]/x",
    "https://[::]/x",
    "https://0.0.0.0/x",
    "https://0/x",
    "https://2852039166/x",
    "https://0xa9fea9fe/x",
    "https://0251.0376.0251.0376/x",
    "https://[::ffff:169.254.169.254]/x",
    "https://[::ffff:a9fe:a9fe]/x",
    "https://[64:ff9b::a9fe:a9fe]/x",
    "https://100.100.100.200/x",
    "https://224.0.0.1/x",
    "https://255.255.255.255/x",
    "https://metadata.example/x",
    "https://rebind.example/x",
    "https://six.example/x",
    "ssh://git@169.254.169.254/x",
    "ssh://metadata.example/x",
    "ssh://[fe80::1]/x",
    "git@metadata.example:x",
  ])("%s leads where no repository is, and is refused", async (url) => {
    await expect(check(url)).rejects.toMatchObject({
      code: "SOURCE_NOT_READABLE",
      message: expect.stringContaining("link-local, metadata, multicast or unspecified address"),
    });
  });

  test("of a host is given to git with the addresses that were looked at", async () => {
    expect(await check("https://public.example/acme/x.git")).toEqual({
      url: "https://public.example/acme/x.git",
      protocol: "https",
      origin: "https://public.example",
      resolved: "public.example:443:203.0.113.7,[2001:db8::7]",
    });
    expect(await check("HTTPS://Inside.Example:8443/x")).toEqual({
      url: "https://inside.example:8443/x",
      protocol: "https",
      origin: "https://inside.example:8443",
      resolved: "inside.example:8443:10.1.2.3",
    });
    // A proxy may know a host that this machine does not; and this machine may be where the host is.
    expect(await check("https://unknown.example/x")).not.toHaveProperty("resolved");
    expect(await check("https://127.0.0.1:8443/x")).not.toHaveProperty("resolved");
    for (const url of [
      "ssh://git@public.example:2222/x",
      "git@inside.example:x.git",
      "ssh://[2001:db8::7]/x",
    ])
      expect(await check(url)).toEqual({ url, protocol: "ssh" });
  });
});

describe("an address", () => {
  test.each([
    "10.0.0.1",
    "192.168.1.1",
    "127.0.0.1",
    "::1",
    "203.0.113.7",
    "2001:db8::1",
    "fd12:3456::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
  ])("%s may hold a repository", (address) => expect(isAllowedAddress(address)).toBe(true));
  test.each([
    "",
    "example.com",
    "1",
    "169.254.169.254",
    "::",
    "::ffff:0.0.0.0",
    "::a9fe:a9fe",
    "ff02::1",
    "0.1.2.3",
  ])("%s may not", (address) => expect(isAllowedAddress(address)).toBe(false));
});

describe("a repository on this machine", () => {
  const make = (name: string): string => {
    const repository = createRepository(join(allowed, name));
    repository.commit({ "a.yaml": "a: 1" });
    return repository.directory;
  };
  const urlOf = (path: string): string => `file://${path.split("/").map(encodeURIComponent).join("/")}`;

  test("is read where it is, bare or with its work tree, whatever its name is", async () => {
    for (const name of ["plain.git", "with space.git", "per%cent.git", "%2e%2e", "ünï#?.git"]) {
      const { url, protocol } = await check(urlOf(make(name)));
      expect(protocol).toBe("file");
      expect(decodeURIComponent(new URL(url).pathname)).toBe(join(allowed, name));
    }
    const tree = join(allowed, "tree");
    createRepository(join(tree, ".git"));
    expect((await check(urlOf(tree))).url).toBe(`file://${tree}/.git`);
  });

  test("is not looked for beside the directory that was allowed", async () => {
    createRepository(`${allowed}.git`);
    await expect(check(urlOf(allowed))).rejects.toThrow(/there is no git repository at/);
  });

  test.each<[string, (repository: string, outside: string) => Promise<unknown>]>([
    [
      "a .git that points to another directory",
      (repository, outside) => writeFile(join(repository, ".git"), `gitdir: ${outside}\n`),
    ],
    [
      "a .git that points to another directory",
      (repository, outside) => symlink(outside, join(repository, ".git")),
    ],
    [
      "borrowed objects of another repository",
      (repository, outside) => writeFile(join(repository, "objects/info/alternates"), `${outside}/objects\n`),
    ],
    [
      "a linked work tree, whose repository is elsewhere",
      (repository, outside) => writeFile(join(repository, "commondir"), `${outside}\n`),
    ],
    [
      "a symbolic link in place of refs",
      (repository, outside) =>
        rm(join(repository, "refs"), { recursive: true }).then(() =>
          symlink(join(outside, "refs"), join(repository, "refs")),
        ),
    ],
    [
      "a symbolic link in place of objects",
      (repository, outside) =>
        rm(join(repository, "objects"), { recursive: true }).then(() =>
          symlink(join(outside, "objects"), join(repository, "objects")),
        ),
    ],
    [
      "a symbolic link in place of objects/pack",
      (repository, outside) =>
        rm(join(repository, "objects/pack"), { recursive: true, force: true }).then(() =>
          symlink(join(outside, "objects/pack"), join(repository, "objects/pack")),
        ),
    ],
    [
      "a symbolic link in place of HEAD",
      (repository) =>
        rm(join(repository, "HEAD")).then(() => symlink("/etc/passwd", join(repository, "HEAD"))),
    ],
    [
      "a partial clone of another repository",
      (repository) =>
        writeFile(join(repository, "config"), '[remote "x"]\n promisor = true\n url = ext::sh -c true\n'),
    ],
  ])("that has %s is refused", async (what, change) => {
    const outside = createRepository(join(root, `private-${Math.abs(what.length)}.git`));
    outside.commit({ "secret.yaml": "secret: 1" });
    const repository = make(`evil-${what.replaceAll(/\W/g, "-")}-${asked.push("")}`);
    await change(repository, outside.directory);
    await expect(check(urlOf(repository))).rejects.toMatchObject({
      code: "SOURCE_NOT_READABLE",
      message: expect.stringContaining(`has ${what}, which is not followed`),
    });
  });
});

test.each([
  "--upload-pack=x",
  "-x",
  "a..b",
  "a b",
  "a\nb",
  "@{-1}",
  "@",
  "a/.b",
  "a.lock",
  "refs/../x",
  "a//b",
  "/a",
  "a~1",
  "a:b",
  "a?b",
  "a\\b",
  "",
])("%j is no branch", (branch) => {
  expect(() => branchRef(branch)).toThrow(/is not a name of a branch/);
});
