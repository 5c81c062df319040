/** What people get when they mistype, and what every command says about itself. */
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { expect, test } from "vitest";
import { systemClock, systemRandom } from "../runtime/adapters/system.ts";
import { runCommandLine } from "./program.ts";
import { VERSION } from "./version.ts";

async function type(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const written = { out: "", err: "" };
  const code = await runCommandLine(args, {
    terminal: {
      line: (text) => void (written.out += `${text}\n`),
      error: (text) => void (written.err += `${text}\n`),
      raw: (text) => void (written.out += text),
      interactive: false,
      columns: 120,
    },
    clock: systemClock(),
    random: systemRandom(),
    fetch: () => Promise.reject(new Error("no network here")),
    env: {},
    signals: { on: () => undefined, off: () => undefined },
    ask: undefined,
    exit: () => undefined,
    version: VERSION,
  });
  return { code, ...written };
}

test("an unknown command is answered with the one that was meant", async () => {
  const { code, err } = await type("gett");
  expect(code).toBe(2);
  expect(err).toContain("unknown command 'gett'");
  expect(err).toContain("Did you mean get?");
});

test("an unknown option is answered with the one that was meant", async () => {
  const { code, err } = await type("up", "--sandboxx");
  expect(code).toBe(2);
  expect(err).toContain("Did you mean --sandbox?");
});

test.each([["tree"], ["diff"], ["get", "--bogus"], ["gett"]])(
  "%s %s is answered with one line of error and one of what to do",
  async (...line) => {
    const { code, err } = await type(...line);
    expect(code).toBe(2);
    expect(err).toMatch(/^error: [^\n]+\nhint: [^\n]+\n?$/);
  },
);

test.each(["up", "get", "tree", "diff", "leaks", "crds", "sandbox", "version"])(
  "%s --help has examples and exit codes",
  async (command) => {
    const { code, out } = await type(command, "--help");
    expect(code).toBe(0);
    expect(out).toContain("Examples:");
    expect(out).toContain("Exit codes:");
    expect(out).toContain("-o, --output <format>");
  },
);

const newDirectory = (): string => mkdtempSync(join(tmpdir(), "flaresmith-command-line-"));

test.each<[string[], string]>([
  [["up", "--source", "/does/not/exist"], "/does/not/exist does not exist"],
  [["up", "--timeout", "soon"], "--timeout"],
  [["up", "--ops-address", "here"], "--ops-address"],
  [["up", "--log-file", "/does/not/exist/x.log", "--data-dir", newDirectory()], "/does/not/exist/x.log"],
  [["up", "--sandbox", "--template", "x"], "--template"],
  [["get", "pods"], 'there is no kind "pods"'],
  [["tree", "shop"], '"shop" names no object'],
  [["get", "--data-dir", "/does/not/exist"], "/does/not/exist/kubeconfig does not exist"],
  [["sandbox", "env", "--data-dir", "/does/not/exist"], "no sandbox was started here"],
  [["diff", "-f", "/does/not/exist"], "/does/not/exist does not exist"],
  [["leaks", "--data-dir", "/does/not/exist"], "/does/not/exist/kubeconfig does not exist"],
  [["leaks", "--delete"], "there is nobody to ask here"],
  [["leaks", "--yes"], "--delete is not there"],
  [["leaks", "--include", "neon/branch/br-1"], "--delete is not there"],
])("%j fails in one line with a remedy, as text and as JSON", async (args, message) => {
  const text = await type(...args);
  expect(text.code).toBeGreaterThan(0);
  expect(text.out).toBe("");
  expect(text.err).toContain(message);
  expect(text.err).toMatch(/^error: .*\nhint: .*\n$/);
  const json = await type(...args, "-o", "json");
  expect(json.code).toBe(text.code);
  expect(JSON.parse(json.err)).toMatchObject({
    error: { message: expect.stringContaining(message) as unknown },
  });
});

test.each([
  "not a url",
  "",
  "hooks.example",
  "ftp://hooks.example",
  "https:hooks.example",
  "https://",
  "https://a b",
  " https://hooks.example",
  "https://hooks.example/?a=b",
  "https://hooks.example/#a",
])("--public-url %j is refused by every command that takes it, before anything starts", async (url) => {
  const directory = join(newDirectory(), "data");
  for (const command of ["up", "controller"]) {
    const { code, err, out } = await type(command, "--public-url", url, "--data-dir", directory);
    expect({ code, out }, command).toEqual({ code: 2, out: "" });
    expect(err, command).toMatch(/^error: --public-url .*\nhint: .*https:.*\n$/);
    expect(existsSync(directory), command).toBe(false);
  }
});

test("diff and leaks fail with 2, because 1 means that something would change, or leaks", async () => {
  expect((await type("diff", "-f", "/does/not/exist")).code).toBe(2);
  expect((await type("leaks", "--data-dir", "/does/not/exist")).code).toBe(2);
});

test("crds prints what the committed files hold", async () => {
  const { code, out } = await type("crds");
  expect(code).toBe(0);
  const printed = parseAllDocuments(out).map(
    (document) => document.toJS() as { spec: { names: { singular: string } } },
  );
  expect(printed).toHaveLength(5);
  for (const crd of printed) {
    const file = new URL(`../../crds/${crd.spec.names.singular}.yaml`, import.meta.url);
    expect(crd).toEqual(parseAllDocuments(readFileSync(file, "utf8"))[0]?.toJS());
  }
});

test("version is that of the package", async () => {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  expect(await type("version")).toEqual({ code: 0, out: `${version}\n`, err: "" });
  expect(JSON.parse((await type("version", "-o", "json")).out)).toMatchObject({ version });
});
