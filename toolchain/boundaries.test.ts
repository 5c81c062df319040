import { describe, expect, it } from "vitest";
import { check } from "./boundaries.ts";

const rules = (file: string, text: string): string[] => check(file, text).map((problem) => problem.rule);

describe("import arrows", () => {
  it.each([
    ["crds/project.ts", "../controller/runtime/clock.ts"],
    ["controller/runtime/queue.ts", "../store/embedded/store.ts"],
    ["controller/store/embedded.ts", "../apiserver/server.ts"],
    ["controller/apiserver/server.ts", "../../reconcilers/project.ts"],
    ["controller/sources/git.ts", "../store/embedded.ts"],
    ["controller/http/webhooks.ts", "../cli/main.ts"],
    ["controller/http/webhooks.ts", "../../sandbox/index.ts"],
    ["reconcilers/engine/loop.ts", "../github/client.ts"],
    ["reconcilers/engine/loop.ts", "../../controller/store/embedded.ts"],
    ["reconcilers/github/client.ts", "../neon/client.ts"],
    ["reconcilers/github/client.ts", "../project.ts"],
    ["reconcilers/project.ts", "../sandbox/index.ts"],
    ["sandbox/github/app.ts", "../../reconcilers/github/client.ts"],
    ["sandbox/github/app.ts", "../../controller/runtime/clock.ts"],
  ])("%s may not import %s", (file, target) => {
    expect(rules(file, `import { a } from "${target}";`)).toEqual(["import-arrow"]);
    expect(rules(file, `import type { A } from "${target}";`)).toEqual(["import-arrow"]);
    expect(rules(file, `export { a } from "${target}";`)).toEqual(["import-arrow"]);
    expect(rules(file, `export * from "${target}";`)).toEqual(["import-arrow"]);
    expect(rules(file, `const a = await import("${target}");`)).toEqual(["import-arrow"]);
  });

  it.each([
    ["controller/runtime/queue.ts", "../../crds/project.ts"],
    ["controller/apiserver/server.ts", "../store/embedded.ts"],
    ["controller/sources/git.ts", "../store/resource-client.ts"],
    ["controller/http/webhooks.ts", "../../reconcilers/engine/loop.ts"],
    ["controller/cli/main.ts", "../../sandbox/index.ts"],
    ["reconcilers/engine/loop.ts", "../../controller/store/resource-client.ts"],
    ["reconcilers/github/client.ts", "../engine/loop.ts"],
    ["reconcilers/github/client.ts", "./repository.ts"],
    ["reconcilers/project.ts", "./neon/client.ts"],
    ["sandbox/github/app.ts", "../../crds/names.ts"],
    ["reconcilers/github/client.test.ts", "../../sandbox/github/app.ts"],
    ["test/e2e/quickstart.ts", "../../sandbox/index.ts"],
  ])("%s may import %s", (file, target) => {
    expect(rules(file, `import { a } from "${target}";`)).toEqual([]);
  });

  it("wants the extension", () => {
    expect(rules("crds/project.ts", 'import { a } from "./names";')).toEqual(["import-extension"]);
  });

  it("names the line and what would be allowed", () => {
    expect(check("sandbox/app.ts", '\nimport { a } from "../controller/runtime/clock.ts";')).toEqual([
      {
        line: 2,
        rule: "import-arrow",
        message: "sandbox may not import controller/runtime/clock.ts; it may import crds",
      },
    ]);
  });
});

describe("injected clock", () => {
  const file = "controller/runtime/queue.ts";

  it.each(["new Date()", "new Date", "Date()", "globalThis.setTimeout", 'globalThis["fetch"]'])(
    "refuses %s",
    (text) => {
      expect(rules(file, `export const a = ${text};`)).toHaveLength(1);
    },
  );

  it.each(["new Date(0)", "Date.parse('2026-01-01')", "clock.setTimeout"])("accepts %s", (text) => {
    expect(rules(file, `export const a = ${text};`)).toEqual([]);
  });

  it.each([
    "controller/runtime/adapters/system.ts",
    "sandbox/core/adapters/system.ts",
    "crds/a.test.ts",
    "bench/a.ts",
  ])("lets %s read the real clock", (adapter) => {
    expect(rules(adapter, "export const a = new Date();")).toEqual([]);
  });
});

describe("disabled rules", () => {
  it("need a reason", () => {
    const at = (comment: string): string[] => rules("test/a.ts", `${comment}\nexport const a = 1;`);
    expect(at("// oxlint-disable-next-line no-console")).toEqual(["disable-reason"]);
    expect(at("/* eslint-disable no-console */")).toEqual(["disable-reason"]);
    expect(at("// oxlint-disable-next-line no-console -- the CLI's output")).toEqual([]);
  });
});
