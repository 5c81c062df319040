import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { virtualClock } from "./adapters/virtual.ts";
import { createSecretRegistry } from "./secret-registry.ts";

const DAY = 86_400_000;

describe("the secret registry", () => {
  it("leaves no known value in any text, in no form it may take on its way", () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 6, unit: "binary" }),
        fc.string(),
        fc.string(),
        (secret, before, after) => {
          const registry = createSecretRegistry({ clock: virtualClock() });
          registry.add(secret);
          const encoded = [
            secret,
            JSON.stringify(secret),
            encodeURIComponent(secret.toWellFormed()),
            Buffer.from(secret).toString("base64"),
            Buffer.from(secret).toString("base64url"),
          ];
          for (const form of encoded) {
            const clean = registry.redact(`${before}${form}${after}`);
            expect(clean).toContain("[redacted]");
          }
        },
      ),
    );
  });

  it("replaces the longer of two overlapping secrets whole", () => {
    const registry = createSecretRegistry({ clock: virtualClock() });
    registry.add("secret-1");
    registry.add("secret-1-and-more");
    expect(registry.redact("x secret-1-and-more y")).toBe("x [redacted] y");
  });

  it("replaces members with telling names whatever they are, and walks cycles no deeper than logs need", () => {
    const registry = createSecretRegistry({ clock: virtualClock() });
    const cycle: Record<string, unknown> = {
      authorization: "Basic x",
      apiKey: 5,
      note: "fine",
      token: undefined,
    };
    cycle["self"] = cycle;
    const clean = JSON.stringify(registry.redactValue(cycle));
    expect(clean).toContain('"authorization":"[redacted]"');
    expect(clean).toContain('"apiKey":"[redacted]"');
    expect(clean).toContain('"note":"fine"');
    expect(clean).not.toContain("Basic x");
  });

  it("does not take ordinary short words for secrets", () => {
    const registry = createSecretRegistry({ clock: virtualClock() });
    registry.add("main");
    expect(registry.redact("branch main")).toBe("branch main");
  });

  it("leaves nothing of secrets that overlap in a text", () => {
    const registry = createSecretRegistry({ clock: virtualClock() });
    registry.add("abcdef123");
    registry.add("ef123-and-much-more");
    expect(registry.redact("x abcdef123-and-much-more y")).toBe("x [redacted] y");
  });

  it("forgets what lapses seven days after it was last added, and nothing else", async () => {
    const clock = virtualClock();
    const registry = createSecretRegistry({ clock });
    const uri = (index: number): string => `postgresql://app:npg_${index}@ep-${index}.example/app`;
    registry.add("permanent-token");
    registry.add("permanent-after-all", { lapses: true });
    registry.add("permanent-after-all");
    for (let index = 0; index < 2_000; index += 1) registry.add(uri(index), { lapses: true });
    await clock.advance(4 * DAY);
    registry.add(uri(7), { lapses: true });
    await clock.advance(4 * DAY);
    registry.add(uri(7), { lapses: true });
    expect(registry.size).toBeLessThan(20);
    const text = `${uri(6)} ${uri(7)} permanent-token permanent-after-all`;
    expect(registry.redact(text)).toBe(`${uri(6)} [redacted] [redacted] [redacted]`);
  });

  it("keeps a form that another value has too", async () => {
    const clock = virtualClock();
    const registry = createSecretRegistry({ clock });
    registry.add("a secret with a line\nfirst line of a private key", { lapses: true });
    registry.add("first line of a private key");
    await clock.advance(8 * DAY);
    registry.add("something else");
    expect(registry.redact("first line of a private key")).toBe("[redacted]");
  });
});
