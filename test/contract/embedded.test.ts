import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeContract } from "./contract.ts";
import { embeddedTarget } from "./targets.ts";

describeContract("embedded store in memory", () => embeddedTarget(":memory:"));
describeContract("embedded store in a file", () =>
  embeddedTarget(join(mkdtempSync(join(tmpdir(), "flaresmith-store-")), "store.db")),
);
