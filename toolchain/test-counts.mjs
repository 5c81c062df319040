import { existsSync, readFileSync } from "node:fs";

/** What vitest counted in its JSON report, or undefined when it ended without one. */
export function testCounts(report) {
  if (!existsSync(report)) return undefined;
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(
    readFileSync(report, "utf8"),
  );
  return { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests + numTodoTests };
}
