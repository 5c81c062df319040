// `npm run test:kubernetes`: what is tested against a real Kubernetes. The programs are built by test/kubernetes/build.sh
// (from Go modules, once), or named: FLARESMITH_KUBERNETES is a folder with kube-apiserver, kube-controller-manager,
// kubectl, and kine or etcd; FLARESMITH_TEST_KUBECONFIG the kubeconfig of a cluster that may be written to. Arguments go
// to vitest. The last line is "N passed, N failed", or one that says why everything was skipped.

import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { testCounts } from "./test-counts.mjs";

const root = join(import.meta.dirname, "..");
const modules = join(root, "node_modules");
const report = join(modules, ".cache", "vitest-kubernetes.json");
const NO_GO = 3;

/** The folder of the programs; undefined where they cannot be built. Ends the process when a build fails. */
function programs() {
  const named = process.env.FLARESMITH_KUBERNETES;
  if (named !== undefined) return named;
  const built = spawnSync(join(root, "test/kubernetes/build.sh"), {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (built.status === NO_GO) return undefined;
  if (built.status !== 0) process.exit(built.status ?? 1);
  return built.stdout.trim();
}

const folder = programs();
if (folder === undefined && process.env.FLARESMITH_TEST_KUBECONFIG === undefined) {
  process.stdout.write("test:kubernetes is skipped: Go is not installed and no cluster is named\n");
  process.exit(0);
}
mkdirSync(join(modules, ".cache"), { recursive: true });
rmSync(report, { force: true });
const { status } = spawnSync(
  process.execPath,
  [
    join(modules, "vitest", "vitest.mjs"),
    "run",
    "--config=test/kubernetes/vitest.config.ts",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ],
  {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...(folder === undefined ? {} : { FLARESMITH_KUBERNETES: folder }) },
  },
);
const { passed, failed, skipped } = testCounts(report) ?? { passed: 0, failed: 0, skipped: 0 };
if (skipped > 0) process.stdout.write(`${skipped} skipped\n`);
// A run that broke in another way than by a failing test counts as one failure.
process.stdout.write(`${passed} passed, ${status === 0 || failed > 0 ? failed : 1} failed\n`);
process.exitCode = status ?? 1;
