import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { builtinTypes, openEmbeddedStore } from "../../controller/store/embedded/index.ts";
import { describeContract, type ContractTarget } from "./contract.ts";
import { createTestClock, createTestRandom } from "./test-inputs.ts";
import { widgetDefinition } from "./widget.ts";

async function target(path: string): Promise<ContractTarget> {
  const types = [...builtinTypes, widgetDefinition];
  const client = await openEmbeddedStore({
    path,
    clock: createTestClock(),
    random: createTestRandom(),
    types,
  });
  return { client, close: () => client.close() };
}

describeContract("embedded store in memory", () => target(":memory:"));
describeContract("embedded store in a file", () =>
  target(join(mkdtempSync(join(tmpdir(), "flaresmith-store-")), "store.db")),
);
