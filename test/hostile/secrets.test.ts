/** Secrets that no provider would issue, and keys that nobody made: told to nobody, and refused where they belong. */
import { describe, expect, it } from "vitest";
import { connectedStore, external, mortal, ownKinds } from "../laws/support.ts";
import { seedTemplate, shopEnvironment, shopProject } from "../support/shop.ts";
import { conditionOf, createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";

const CANARY = "canary-4711-do-not-tell";

interface Watched {
  world: World;
  /** Everything that left the controller for people: objects, every status on its way, events, metrics, the log. */
  told: () => Promise<string>;
}

async function watched(): Promise<Watched> {
  const base = await connectedStore();
  const written: string[] = [];
  const logged: string[] = [];
  const { sandbox, store } = mortal(base, undefined, (moment, call, _kill, parameters) => {
    if (moment === "before" && (call === "updateStatus" || call === "create"))
      written.push(JSON.stringify(parameters[1]));
  });
  const world = await createWorld({
    sandbox,
    store,
    time: base.time,
    log: (line) => void logged.push(line),
  });
  return {
    world,
    told: async () => {
      const kinds = [...ownKinds, "Event", "ConfigMap"];
      const objects = (await Promise.all(kinds.map((kind) => world.list(kind)))).flat();
      const { body } = await world.tracker.exposition();
      return [...objects.map((object) => JSON.stringify(object)), ...written, body, ...logged].join("\n");
    },
  };
}

describe("a credential", () => {
  const keys = { github: "token", neon: "apiKey", cloudflare: "apiToken" } as const;
  const unusable = /holds line breaks, spaces or other characters .* Put the credential alone into the key/;
  const wrong = /Put (a )?valid .*credentials|Put a valid Cloudflare API token/;
  it.each<[string, string, string, RegExp]>([
    ["with a line end inside", `${CANARY}\nsecond line`, "CredentialsInvalid", unusable],
    ["with a NUL", `${CANARY}\0x`, "CredentialsInvalid", unusable],
    ["that is no Latin", `${CANARY}-\u00e4\u20ac\u{1f600}`, "CredentialsInvalid", unusable],
    ["with a terminal's escape sequence", `${CANARY}\u001b[2J`, "CredentialsInvalid", unusable],
    ["that is a header of its own", `${CANARY}\r\nx-evil: 1`, "CredentialsInvalid", unusable],
    ["with a line end at the end", `${CANARY}\r\n`, "CredentialsInvalid", wrong],
    ["with quotes and braces", `${CANARY}"'{}\\`, "CredentialsInvalid", wrong],
    ["of 100 KiB", `${CANARY}${"x".repeat(100 * 1024)}`, "CredentialsInvalid", wrong],
    ["that is empty", "", "SecretKeyNotFound", /Add the key to the Secret/],
    ["of white space", " \n ", "SecretKeyNotFound", /Add the key to the Secret/],
  ])(
    "%s is refused with its remedy, is not sent again, and is told to nobody",
    async (_name, value, reason, message) => {
      const { world, told } = await watched();
      for (const [provider, key] of Object.entries(keys)) {
        const metadata = { name: `${provider}-credentials` };
        await world.apply({ kind: "Secret", metadata, stringData: { [key]: value } });
      }
      await world.pass(5 * 60_000);
      const before = world.mark();
      for (const provider of Object.keys(keys)) {
        const ready = conditionOf(await world.get("Connection", provider), "Ready");
        expect(ready).toMatchObject({ status: "False", reason });
        expect(ready?.message).toMatch(message);
        expect(ready?.message).toContain(`${provider}-credentials`);
      }
      await world.pass(60_000);
      expect(world.requests(before)).toEqual([]);
      expect(await told()).not.toContain(CANARY);
      await world.stop();
    },
  );
});

describe("a value that goes to a Worker and to GitHub", () => {
  it("arrives as it is, whatever is in it, and is told to nobody", async () => {
    const values: Readonly<Record<string, string>> = {
      LINES: `${CANARY}\nsecond\r\nthird\n`,
      QUOTES: `${CANARY}"'\`{}$(touch x)\\`,
      OTHER: `${CANARY}-\u00e4\u20ac\u{1f600}`,
      YAML: `!${CANARY}: &a [*a]`,
      HTML: `<script>${CANARY}</script>`,
      ESCAPES: `${CANARY}\u001b[2J`,
      PROTO: `{"__proto__": "${CANARY}"}`,
    };
    const { world, told } = await watched();
    seedTemplate(world);
    await world.apply({ kind: "Secret", metadata: { name: "odd" }, stringData: values });
    const secrets = Object.keys(values).map((name) => ({
      name,
      from: { secretRef: { name: "odd", key: name } },
      to: ["Worker", "GitHub"],
    }));
    await world.apply(shopProject(), shopEnvironment("dev", { secrets }));
    await world.settle();
    const { cloudflare, github } = external(world.sandbox);
    const repository = github.repositories.find(({ name }) => name === "shop");
    expect(cloudflare.accounts[0]?.scripts[0]?.secrets).toMatchObject(values);
    expect(repository?.environments[0]?.secrets).toMatchObject(values);
    expect(await told()).not.toContain(CANARY);
    await world.stop();
  });

  it("of a key that only looks as if it were there is missing: nothing is sent in its place", async () => {
    const { world } = await watched();
    seedTemplate(world);
    await world.apply({ kind: "Secret", metadata: { name: "odd" }, stringData: { real: CANARY } });
    const names = ["constructor", "toString", "hasOwnProperty"];
    const secrets = names.map((key) => ({
      name: key.toUpperCase(),
      from: { secretRef: { name: "odd", key } },
      to: ["Worker", "GitHub"],
    }));
    await world.apply(shopProject(), shopEnvironment("dev", { secrets }));
    await world.settle();
    const ready = conditionOf(await world.get("Environment", "shop-dev"), "Ready");
    expect(ready).toMatchObject({ status: "False", reason: "SecretKeyNotFound" });
    expect(ready?.message).toContain("has no key constructor");
    const { cloudflare, github } = external(world.sandbox);
    expect(cloudflare.accounts[0]?.scripts.map((script) => Object.keys(script.secrets)).flat() ?? []).toEqual(
      [],
    );
    expect(JSON.stringify(github)).not.toContain("native code");
    await world.stop();
  });
});
