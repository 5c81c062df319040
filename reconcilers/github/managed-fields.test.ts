import { describe, expect, it } from "vitest";
import { z } from "zod";
import { environment as environmentKind } from "../../crds/environment.ts";
import { project as projectKind } from "../../crds/project.ts";
import { environment } from "./environment.ts";
import { repository } from "./repository.ts";
import { ruleset } from "./ruleset.ts";
import { secrets } from "./secrets.ts";
import { seedFiles } from "./seed-files.ts";
import { variables } from "./variables.ts";

interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
}

const schemaOf = (kind: { spec: z.ZodObject }): Schema =>
  z.toJSONSchema(kind.spec, { io: "input" }).properties?.["github"] as Schema;

/** Dotted paths below a schema, as deep as `depthOf` goes into a name. */
function paths(schema: Schema, open: readonly string[], prefix = ""): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, member]) => {
    const path = prefix + name;
    if (!open.includes(path)) return [path];
    return paths(member.properties ? member : (member.items ?? {}), open, `${path}.`);
  });
}

/** Names in the spec whose field has another name in the definition that manages it. */
const renamed: Record<string, string> = { repository: "name", environment: "name" };
/** Not fields of something external: which credentials, and whether to manage at all. */
const ours = new Set(["connectionRef", "mode"]);

describe("every field of the spec is managed by a definition that says how deep it is looked at", () => {
  it("of a Project", () => {
    const rules = { ...ruleset.fields };
    const known: Record<string, unknown> = {
      ...repository.fields,
      ...Object.fromEntries(Object.entries(rules).map(([name, depth]) => [`rulesets.${name}`, depth])),
      files: seedFiles.fields["files"],
      variables: variables.fields["variables"],
      secrets: secrets.fields["secrets"],
    };
    const found = paths(schemaOf(projectKind), ["settings", "rulesets", "rulesets.rules"]).filter(
      (path) => !ours.has(path),
    );
    expect(found.length).toBeGreaterThan(35);
    for (const path of found)
      expect([path, known[renamed[path] ?? path]]).toEqual([
        path,
        expect.stringMatching(/^(shallow|deep|write-only)$/),
      ]);
  });

  it("of an Environment", () => {
    const known: Record<string, unknown> = {
      ...environment.fields,
      variables: variables.fields["variables"],
    };
    const found = paths(schemaOf(environmentKind), ["branchPolicies"]);
    expect(found.length).toBeGreaterThan(6);
    for (const path of found)
      expect([path, known[renamed[path] ?? path]]).toEqual([
        path,
        expect.stringMatching(/^(shallow|deep|write-only)$/),
      ]);
  });
});
