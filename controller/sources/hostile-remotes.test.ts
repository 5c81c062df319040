/** Repositories that lead elsewhere, and hosts that answer with something else than a repository. */
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createRepository } from "../../test/support/git-repository.ts";
import type { TestRepository } from "../../test/support/git-repository.ts";
import { startedPrograms, tracing, unexpectedPrograms } from "../../test/support/git-trace.ts";
import { httpsServer } from "../../test/support/https-server.ts";
import type { Handler, HttpsServer } from "../../test/support/https-server.ts";
import { conditionOf, createSourceWorld, project, typeOf } from "../../test/support/source-world.ts";
import type { SourceWorld } from "../../test/support/source-world.ts";
import { createGitRunner } from "../runtime/adapters/run-git.ts";
import { systemClock } from "../runtime/adapters/system.ts";
import { virtualClock } from "../runtime/adapters/virtual.ts";
import type { VirtualClock } from "../runtime/adapters/virtual.ts";
import { createGitReader } from "./git/git-reader.ts";
import type { SourceObject } from "./source-object.ts";

let world: SourceWorld;
let good: TestRepository;
let server: HttpsServer;
let answer: Handler;
let trace: string;
let gitClock: VirtualClock | undefined;
/** A listener that nobody may reach, and how often it was. */
let forbidden: { server: Server; port: number; connections: number };

beforeEach(async () => {
  answer = (_, response) => void response.writeHead(404).end();
  server = await httpsServer((request, response) => answer(request, response));
  const listener = createServer((socket) => {
    forbidden.connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  forbidden = { server: listener, port: (listener.address() as AddressInfo).port, connections: 0 };
  gitClock = undefined;
  const environment = { ...process.env, GIT_SSL_CAINFO: server.authorityFile };
  const run = createGitRunner({ clock: systemClock(), environment });
  world = await createSourceWorld({
    git: (command, signal) =>
      tracing(gitClock === undefined ? run : createGitRunner({ clock: gitClock, environment }), trace)(
        command,
        signal,
      ),
  });
  trace = join(world.directory, "trace.json");
  good = createRepository(join(world.directory, "good.git"));
  good.commit({ "shop.yaml": project("shop") });
  await world.source("platform", { git: { url: good.url } });
  await world.sync("platform");
  expect(await world.names("Project")).toEqual(["shop"]);
});
afterEach(async () => {
  await world.stop();
  await server.close();
  await new Promise((resolve) => forbidden.server.close(resolve));
});

/** Points the Source elsewhere, and looks at what came of it: nothing is pruned, nothing unexpected ran, nobody was reached. */
async function syncWith(git: Record<string, unknown>): Promise<SourceObject> {
  await world.source("platform", { git });
  const source = await world.sync("platform");
  expect(conditionOf(source, "Ready")?.status).toBe("False");
  expect(conditionOf(source, "Ready")?.message).not.toMatch(/\p{Cc}/u);
  expect(await world.names("Project")).toEqual(["shop"]);
  expect(unexpectedPrograms(trace)).toEqual([]);
  expect(forbidden.connections).toBe(0);
  return source;
}

describe("a URL", () => {
  test("that would execute something executes nothing, not even git", async () => {
    const canary = join(world.directory, "canary");
    const ran = startedPrograms(trace).length;
    for (const url of [
      `ext::sh -c touch% ${canary}`,
      `ext::touch%20${canary}`,
      `--upload-pack=touch ${canary}`,
      `-u${canary}`,
      `ssh://-oProxyCommand=touch%20${canary}/x`,
      `ssh://%2doProxyCommand=touch%20${canary}/x`,
      `-oProxyCommand=touch@example.com:${canary}`,
      `https://example.com/x --upload-pack=${canary}`,
      `https://example.com/x\n[core]fsmonitor=touch ${canary}`,
      `file://${good.directory};touch ${canary}`,
      `file://${good.directory}$(touch ${canary})`,
      `file:///proc/self/environ`,
      `http://127.0.0.1:${forbidden.port}/x`,
      `git://127.0.0.1:${forbidden.port}/x`,
    ]) {
      // The API knows many of them for no URL already; the controller does not rely on that.
      const refused = await syncWith({ url }).catch((error: unknown) => error);
      if (refused instanceof Error) expect(refused.message).toMatch(/spec\.git\.url/);
      else expect(conditionOf(refused as SourceObject, "Ready")?.reason).toBe("SourceNotReadable");
      expect(existsSync(canary), url).toBe(false);
    }
    for (const branch of ["--upload-pack=touch", "-x", "main --exec=x", "a..b"]) {
      const source = await syncWith({ url: good.url, branch });
      expect(conditionOf(source, "Ready")?.message).toContain("is not a name of a branch");
    }
    expect(startedPrograms(trace)).toHaveLength(ran);
    expect(existsSync(canary)).toBe(false);
  });

  test("of a repository whose name means something to a shell is read, and the name is only a name", async () => {
    const names = [
      "it's; touch canary",
      "$(touch canary)",
      "`touch canary`",
      "-upload",
      "a&b|c>canary",
      "%2e%2e",
      "new\tline",
    ];
    for (const [index, name] of names.entries()) {
      const repository = createRepository(join(world.directory, "odd", name));
      repository.commit({ "a.yaml": project(`odd-${index}`) });
      await world.source(`odd-${index}`, {
        git: { url: `file://${repository.directory.split("/").map(encodeURIComponent).join("/")}` },
      });
      expect(conditionOf(await world.sync(`odd-${index}`), "Ready")?.message).toMatch(
        /^1 object is applied from/,
      );
    }
    expect(existsSync("canary") || existsSync(join(world.directory, "canary"))).toBe(false);
  });

  test("cannot lead out of the allowed directory, by a name that is decoded twice or a repository that points elsewhere", async () => {
    const outside = createRepository(`${world.directory}-outside.git`);
    outside.commit({ "stolen.yaml": project("stolen") });
    const twice = createRepository(
      join(world.directory, "%2e%2e", `${world.directory.split("/").at(-1)}-outside.git`),
    );
    twice.commit({ "own.yaml": project("shop", "    description: own") });
    // Read as it is named, it is the repository inside; decoded once more, it would be the one outside.
    await world.source("platform", {
      git: { url: `file://${twice.directory.replace("%2e%2e", "%252e%252e")}` },
    });
    expect(conditionOf(await world.sync("platform"), "Ready")?.status).toBe("True");
    expect(await world.names("Project")).toEqual(["shop"]);
  });
});

describe("a host", () => {
  const redirect =
    (location: string): Handler =>
    (_, response) =>
      void response.writeHead(302, { location }).end();

  test("that redirects is not followed, wherever that leads", async () => {
    for (const location of [
      `http://127.0.0.1:${forbidden.port}/x.git/info/refs`,
      `https://127.0.0.1:${forbidden.port}/x.git/info/refs`,
      "http://169.254.169.254/latest/meta-data/",
      "http://[fd00:ec2::254]/latest/meta-data/",
      "http://0.0.0.0/",
      `file://${good.directory}`,
      "ext::sh -c true",
      "gopher://127.0.0.1/x",
      "//elsewhere.example/x",
    ]) {
      answer = redirect(location);
      const source = await syncWith({ url: `${server.origin}/x.git` });
      expect(conditionOf(source, "Ready"), location).toMatchObject({
        reason: "SourceNotReadable",
        message: expect.stringContaining("redirects elsewhere, which is not followed"),
      });
    }
  });

  test("whose name leads to a metadata service is not asked", async () => {
    const source = await syncWith({ url: "https://169.254.169.254/x.git" });
    expect(conditionOf(source, "Ready")?.message).toContain("these addresses are never reached");
  });

  test("that speaks the old protocol cannot name other hosts to take objects from", async () => {
    const asked: string[] = [];
    answer = (request, response) => {
      const { pathname } = new URL(request.url ?? "/", server.origin);
      asked.push(pathname);
      const elsewhere = `https://127.0.0.1:${forbidden.port}/objects\nhttp://127.0.0.1:${forbidden.port}/objects\n`;
      if (pathname === "/x.git/info/refs")
        response.writeHead(200, { "content-type": "text/plain" }).end(`${"1".repeat(40)}\trefs/heads/main\n`);
      else if (pathname === "/x.git/HEAD") response.writeHead(200).end("ref: refs/heads/main\n");
      else if (pathname.startsWith("/x.git/objects/info/")) response.writeHead(200).end(elsewhere);
      else response.writeHead(404).end();
    };
    const source = await syncWith({ url: `${server.origin}/x.git` });
    expect(conditionOf(source, "Ready")?.status).toBe("False");
    expect(asked).toContain("/x.git/info/refs");
  });

  test("that says something for the terminal is quoted without it", async () => {
    answer = (_, response) => {
      const line = "ERR \u001b[2J\u001b]0;owned\u0007 \u009b31m\u202egnikcah\n";
      const packet = `${(Buffer.byteLength(line) + 4).toString(16).padStart(4, "0")}${line}`;
      response.writeHead(200, { "content-type": "application/x-git-upload-pack-advertisement" });
      response.end(`001e# service=git-upload-pack\n0000${packet}`);
    };
    const source = await syncWith({ url: `${server.origin}/x.git` });
    expect(JSON.stringify(source.status)).not.toMatch(/[\u009b\u202e]|\\u001b/);
  });

  test("that tells what credentials it was sent is quoted without them", async () => {
    const token = "hunter22-canary-token";
    await world.store.apply(
      typeOf("Secret"),
      {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "git", namespace: "default" },
        stringData: { token, username: "bot" },
      },
      { fieldManager: "kubectl", force: true },
    );
    const received: string[] = [];
    answer = (request, response) => {
      const authorization = request.headers.authorization ?? "";
      received.push(authorization);
      const basic = authorization.replace("Basic ", "");
      const line = `ERR ${authorization} ${basic} ${Buffer.from(basic, "base64").toString()}\n`;
      const packet = `${(Buffer.byteLength(line) + 4).toString(16).padStart(4, "0")}${line}`;
      response.writeHead(200, { "content-type": "application/x-git-upload-pack-advertisement" });
      response.end(`001e# service=git-upload-pack\n0000${packet}`);
    };
    const source = await syncWith({ url: `${server.origin}/x.git`, secretRef: { name: "git" } });
    const basic = Buffer.from(`bot:${token}`).toString("base64");
    expect(received).toContain(`Basic ${basic}`);
    expect(conditionOf(source, "Ready")?.message).toContain("[redacted]");
    expect(JSON.stringify(source)).not.toContain(token);
    expect(JSON.stringify(source)).not.toContain(basic);
  });

  test.each<[string, (response: ServerResponse, request: IncomingMessage) => void]>([
    [
      "a page",
      (response) => response.writeHead(200, { "content-type": "text/html" }).end("<html>welcome</html>"),
    ],
    ["nothing", (response) => response.writeHead(200).end()],
    ["an error of its own", (response) => response.writeHead(503).end("overloaded")],
    ["half of an answer", (response) => response.writeHead(200, { "content-length": 1000 }).write("001e")],
    [
      "an endless header",
      (response) =>
        response
          .writeHead(
            200,
            Object.fromEntries(Array.from({ length: 90 }, (_, index) => [`x-${index}`, "y".repeat(1000)])),
          )
          .end(),
    ],
    ["a broken connection", (_, request) => request.socket.destroy()],
    [
      "lines of another protocol",
      (response) =>
        response
          .writeHead(200, { "content-type": "application/x-git-upload-pack-advertisement" })
          .end("zzzzgarbage"),
    ],
    [
      "a million branches",
      (response) =>
        response
          .writeHead(200, { "content-type": "text/plain" })
          .end(`${"1".repeat(40)}\trefs/heads/b\n`.repeat(100_000)),
    ],
  ])("that answers with %s is told of, and what was applied stays", async (_name, respond) => {
    answer = (request, response) => {
      respond(response, request);
      // What announces more than it sends ends here and not by itself.
      setImmediate(() => request.socket.end());
    };
    const source = await syncWith({ url: `${server.origin}/x.git` });
    expect(conditionOf(source, "Ready")?.reason).toMatch(/^(GitFailed|SourceNotReadable)$/);
  });

  test("that trickles is given up after two minutes, and leaves no process behind", async () => {
    gitClock = virtualClock();
    const open: ServerResponse[] = [];
    const asked = new Promise<void>((resolve) => {
      answer = (_, response) => {
        response.writeHead(200, { "content-type": "application/x-git-upload-pack-advertisement" }).write("0");
        open.push(response);
        resolve();
      };
    });
    const gone = new Promise<void>((resolve) => {
      const before = answer;
      answer = (request, response) => {
        response.on("close", () => resolve());
        before(request, response);
      };
    });
    await world.source("platform", { git: { url: `${server.origin}/x.git` } });
    await asked;
    await gitClock.advance(120_000);
    // The connection ends because its process did.
    await gone;
    gitClock = undefined;
    answer = (_, response) => void response.writeHead(503).end();
    const source = await world.sync("platform");
    expect(conditionOf(source, "Ready")?.reason).toBe("GitFailed");
    expect(await world.names("Project")).toEqual(["shop"]);
    expect(open.length).toBeGreaterThan(0);
  });
});

/** A host that sends a pack without end, or breaks it off after so many pieces of 60 KB. */
function endlessPack(last = Number.POSITIVE_INFINITY): Handler {
  const commit = "1".repeat(40);
  const packet = (text: string | Buffer): Buffer => {
    const bytes = Buffer.from(text);
    return Buffer.concat([Buffer.from((bytes.byteLength + 4).toString(16).padStart(4, "0")), bytes]);
  };
  const flush = Buffer.from("0000");
  return (request, response) => {
    if (request.method === "GET") {
      response.writeHead(200, { "content-type": "application/x-git-upload-pack-advertisement" });
      const refs = packet(`${commit} refs/heads/main\0side-band-64k shallow agent=x\n`);
      response.end(Buffer.concat([packet("# service=git-upload-pack\n"), flush, refs, flush]));
      return;
    }
    const asked: Buffer[] = [];
    request.on("data", (chunk: Buffer) => asked.push(chunk));
    request.on("end", () => {
      response.writeHead(200, { "content-type": "application/x-git-upload-pack-result" });
      const shallow = Buffer.concat([packet(`shallow ${commit}`), flush]);
      if (!Buffer.concat(asked).includes("0009done\n")) {
        response.end(shallow);
        return;
      }
      response.write(Buffer.concat([shallow, packet("NAK\n")]));
      // A blob of a terabyte: version 2, one object, its size in seven bits each, then stored blocks of zlib.
      const head = Buffer.from([
        0x50, 0x41, 0x43, 0x4b, 0, 0, 0, 2, 0, 0, 0, 1, 0xb0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0x78,
        0x01,
      ]);
      response.write(packet(Buffer.concat([Buffer.from([1]), head])));
      const block = Buffer.alloc(60_000, "x");
      const stored = Buffer.concat([
        Buffer.from([
          1,
          0,
          block.length & 0xff,
          block.length >> 8,
          ~block.length & 0xff,
          (~block.length >> 8) & 0xff,
        ]),
        block,
      ]);
      const piece = packet(stored);
      let pieces = 0;
      const more = (): void => {
        do pieces += 1;
        while (pieces < last && !response.destroyed && response.write(piece));
        if (pieces >= last) response.destroy();
      };
      response.on("drain", more);
      more();
    });
  };
}

describe("a pack", () => {
  const read = async (repository: { url: string }, cloneBytes: number) => {
    const directory = join(world.directory, "clone.git");
    const reader = createGitReader({
      run: createGitRunner({
        clock: systemClock(),
        environment: { ...process.env, GIT_SSL_CAINFO: server.authorityFile },
      }),
      directory,
      redact: (text) => text,
      cloneBytes,
    });
    const credentials = { config: [], env: {}, dispose: async () => {} };
    const protocol = repository.url.startsWith("https") ? ("https" as const) : ("file" as const);
    const url = { url: repository.url, protocol };
    const { signal } = new AbortController();
    const outcome = await reader
      .list({ url, branch: "main", path: ".", credentials }, signal)
      .catch((error: unknown) => error);
    return { outcome, left: await readdir(directory).catch(() => undefined) };
  };

  test("larger than a clone may be is refused, and nothing of it is left", async () => {
    let seed = 1;
    const noise = Buffer.from(
      Uint8Array.from({ length: 3_000_000 }, () => (seed = (seed * 48_271) % 2_147_483_647) & 0xff),
    );
    const blob = good.blob(noise);
    good.commitTree([{ mode: "100644", type: "blob", id: blob, name: "noise.bin" }]);
    const { outcome, left } = await read(good, 1024 * 1024);
    expect(outcome).toMatchObject({
      code: "SOURCE_GIT_FAILED",
      class: "terminal",
      message: expect.stringContaining("is larger than 1 MiB"),
      hint: expect.stringContaining("a repository of their own"),
    });
    expect(left).toBeUndefined();
    expect((await read(good, 64 * 1024 * 1024)).outcome).toMatchObject({ files: [] });
  });

  test("without end is cut off while it comes, and nothing of it is left", async () => {
    answer = endlessPack();
    const { outcome, left } = await read({ url: `${server.origin}/x.git` }, 4 * 1024 * 1024);
    expect(outcome).toMatchObject({
      code: "SOURCE_GIT_FAILED",
      message: expect.stringContaining("is larger than 4 MiB"),
    });
    expect(left).toBeUndefined();
  });

  test("that breaks off leaves nothing that would count for what a clone may have", async () => {
    answer = endlessPack(20);
    for (let round = 0; round < 2; round += 1) {
      const { outcome } = await read({ url: `${server.origin}/x.git` }, 4 * 1024 * 1024);
      expect(outcome).toMatchObject({ code: "SOURCE_GIT_FAILED" });
      expect(await readdir(join(world.directory, "clone.git", "objects", "pack"))).toEqual([]);
    }
  });
});
