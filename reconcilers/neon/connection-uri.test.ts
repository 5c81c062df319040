import { describe, expect, it } from "vitest";
import { conditionMessage } from "../../controller/runtime/errors.ts";
import type { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { SecretValue } from "../../controller/runtime/secret-value.ts";
import { neonHarness } from "../../sandbox/neon/neon-harness.ts";
import { connectionUri } from "./connection-uri.ts";
import { harnessOn, lookupContext } from "./test-context.ts";
import type { ConnectionUriInput } from "./types.ts";

const HOUR = 3_600_000;

async function bench() {
  const world = neonHarness();
  const harness = harnessOn(world);
  const created = await world.project();
  const input: ConnectionUriInput = {
    projectId: created.project?.["id"] ?? "",
    branchId: created.branch?.["id"] ?? "",
    endpointId: created.endpoints?.[0]?.["id"] ?? "",
    database: "neondb",
    role: "neondb_owner",
    pooled: false,
  };
  const look = async (wanted: Partial<ConnectionUriInput> = {}, options: { fresh?: boolean } = {}) => {
    const { uri } = await connectionUri.look({ ...input, ...wanted }, lookupContext(harness, options));
    return uri as SecretValue;
  };
  const rotate = () =>
    world.ok(
      "POST",
      `/projects/${input.projectId}/branches/${input.branchId}/roles/neondb_owner/reset_password`,
    );
  const failure = (work: Promise<unknown>): Promise<FlaresmithError> =>
    work.then(
      () => Promise.reject(new Error("it was not refused")),
      (error: unknown) => error as FlaresmithError,
    );
  return { world, harness, input, look, rotate, failure };
}

describe("the connection URI of a branch", () => {
  it("is a secret that names host, role and database", async () => {
    const { look, input } = await bench();
    const uri = await look();
    expect(uri.reveal()).toMatch(
      new RegExp(`^postgresql://neondb_owner:[^@]+@${input.endpointId}\\.[^/]+/neondb\\?`),
    );
    expect(JSON.stringify({ uri })).not.toContain("postgresql");
    expect((await look({ pooled: true })).reveal()).toContain(`@${input.endpointId}-pooler.`);
  });

  it("is asked for once in six hours, whoever asks", async () => {
    const { world, harness, look } = await bench();
    await look();
    const before = world.context.journal.last();
    harness.advance(5 * HOUR);
    await Promise.all([look(), look()]);
    expect(world.context.journal.since(before)).toEqual([]);
    harness.advance(2 * HOUR);
    await Promise.all([look(), look()]);
    expect(world.context.journal.since(before)).toHaveLength(1);
  });

  it("follows a password that was reset: at once when asked afresh, else with the next deep look", async () => {
    const { harness, look, rotate } = await bench();
    const first = await look();
    await rotate();
    const second = await look({}, { fresh: true });
    expect(second.hash).not.toBe(first.hash);
    await rotate().catch(() => harness.advance(60_000));
    harness.advance(60_000);
    await rotate();
    harness.advance(7 * HOUR);
    expect((await look()).hash).not.toBe(second.hash);
  });

  it("of a database or role that is not there is looked for again", async () => {
    const { look, failure } = await bench();
    expect(await failure(look({ database: "app" }))).toMatchObject({
      code: "INTEGRATION_NOT_FOUND",
      class: "transient",
      message: expect.stringContaining("database app and role neondb_owner"),
    });
    expect(await failure(look({ role: "app" }))).toMatchObject({ code: "INTEGRATION_NOT_FOUND" });
  });

  it("that Neon cannot tell because it stores no passwords says what to do, and is not remembered", async () => {
    const { world, look, failure } = await bench();
    world.context.faults.add({
      path: "/connection_uri",
      status: 412,
      body: { code: "", message: "passwords are not stored for this project" },
    });
    const error = await failure(look());
    expect(error).toMatchObject({ code: "INTEGRATION_REJECTED", class: "terminal" });
    expect(conditionMessage(error)).toMatch(/passwords are not stored.*store_passwords off.*secretRef/);
    expect((await look()).reveal()).toContain("postgresql://");
  });
});
