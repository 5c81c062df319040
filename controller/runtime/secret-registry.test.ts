import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSecretRegistry } from "./secret-registry.ts";

describe("the secret registry", () => {
  it("leaves no known value in any text, in no form it may take on its way", () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 6, unit: "binary" }),
        fc.string(),
        fc.string(),
        (secret, before, after) => {
          const registry = createSecretRegistry();
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
    const registry = createSecretRegistry();
    registry.add("secret-1");
    registry.add("secret-1-and-more");
    expect(registry.redact("x secret-1-and-more y")).toBe("x [redacted] y");
  });

  it("replaces members with telling names whatever they are, and walks cycles no deeper than logs need", () => {
    const registry = createSecretRegistry();
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
    const registry = createSecretRegistry();
    registry.add("main");
    expect(registry.redact("branch main")).toBe("branch main");
  });
});
