/** Zones by name. */
import { expect, test } from "vitest";
import { virtualClock } from "../../controller/runtime/adapters/virtual.ts";
import { account, testBench, token, zone } from "../../sandbox/cloudflare/testing.ts";
import { createObservationSource } from "../engine/observation-source.ts";
import { testClient } from "./test-context.ts";
import { zoneId } from "./zones.ts";

test("one that is there is remembered for hours, one that is missing is looked for each time", async () => {
  const zones = [{ id: zone, name: "acme.example", accountId: account }];
  const { cloudflare, context } = testBench({ zones });
  const source = createObservationSource(virtualClock());
  const look = (name: string): Promise<string> =>
    zoneId(
      {
        client: testClient(cloudflare.fetch, { apiToken: token }),
        shared: (key, load, maxAge = 0) => source.shared(key, maxAge, load),
        signal: new AbortController().signal,
      },
      { accountId: account, zone: name, field: "spec" },
    );
  expect(await look("acme.example")).toBe(zone);
  expect(await look("ACME.example.")).toBe(zone);
  expect(context.journal.since(0)).toHaveLength(1);
  await expect(look("new.example")).rejects.toMatchObject({ code: "SPEC_REFERENCE_MISSING" });
  zones.push({ id: "e".repeat(32), name: "new.example", accountId: account });
  expect(await look("new.example")).toBe("e".repeat(32));
});
