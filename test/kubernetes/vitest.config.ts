import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** What is tested against a real Kubernetes; `npm run test:kubernetes` runs it. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, "../.."),
    include: ["test/kubernetes/**/*.test.ts"],
    setupFiles: ["test/setup.ts"],
    globalSetup: ["test/kubernetes/global-setup.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
  },
});
