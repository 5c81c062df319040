import { configDefaults, defineConfig } from "vitest/config";

// Tests lie beside the code; suites that cross folders lie under test/.
export default defineConfig({
  test: {
    include: ["{crds,controller,reconcilers,sandbox,toolchain,test,bench}/**/*.test.ts"],
    // Those need a Kubernetes: npm run test:kubernetes.
    exclude: [...configDefaults.exclude, "test/kubernetes/**"],
    setupFiles: ["test/setup.ts"],
    // Separate processes: tests own SQLite files, child processes and environment variables.
    pool: "forks",
    // One more than the cores of a small machine: many wait for processes and sockets.
    maxWorkers: 3,
    testTimeout: 15_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    reporters: ["default"],
    coverage: {
      provider: "v8",
      // Named, so that files no test ever loads count as uncovered.
      include: ["{crds,controller,reconcilers,sandbox}/**/*.ts"],
      exclude: ["**/*.test.ts", "**/fixtures/**"],
      reporter: ["text-summary", "lcovonly", "json-summary"],
      reportsDirectory: "coverage",
    },
  },
});
