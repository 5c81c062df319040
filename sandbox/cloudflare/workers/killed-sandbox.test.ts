import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { endOrphans, ownerVariable } from "./orphans.ts";

const script = `
import { Miniflare } from "miniflare";
const runtime = new Miniflare({
  modules: true,
  script: "export default { fetch() { return new Response() } }",
  host: "127.0.0.1",
  port: 0,
  cf: false,
  unsafeRuntimeEnv: { ${ownerVariable}: process.argv[1] },
});
await runtime.ready;
process.stdout.write("ready");
setInterval(() => undefined, 1000);
`;

test("workerd that outlives a killed sandbox is ended by the next one, nobody else's is", async () => {
  const directory = mkdtempSync(join(tmpdir(), "workers-"));
  const child = spawn(process.execPath, ["--input-type=module", "-e", script, directory], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await exited;
  expect(endOrphans(`${directory}-other`)).toEqual([]);
  expect(endOrphans(directory)).toHaveLength(1);
  rmSync(directory, { recursive: true, force: true });
});
