import { describe, expect, it } from "vitest";
import { z } from "zod";
import { environment as environmentKind } from "../../crds/environment.ts";
import { preview as previewKind } from "../../crds/preview.ts";
import { project as projectKind } from "../../crds/project.ts";
import { branch } from "./branch.ts";
import { database } from "./database.ts";
import { project } from "./project.ts";
import { rootBranch } from "./root-branch.ts";

interface Schema {
  properties?: Record<string, Schema>;
  enum?: unknown[];
}

const specOf = (kind: { spec: z.ZodObject }): Schema => z.toJSONSchema(kind.spec, { io: "input" }) as Schema;

/** Dotted paths of every leaf below a schema. */
function paths(schema: Schema | undefined, prefix = ""): string[] {
  return Object.entries(schema?.properties ?? {}).flatMap(([name, member]) =>
    member.properties ? paths(member, `${prefix}${name}.`) : [prefix + name],
  );
}

const depth = expect.stringMatching(/^(shallow|deep)$/) as unknown;
/** Names in the spec whose field has another name in the definition that manages it. */
const renamed: Record<string, string> = { branch: "name" };

describe("every field of the spec is managed by a definition that says how deep it is looked at", () => {
  it("of a Project", () => {
    const known: Record<string, unknown> = { ...database.fields, ...project.fields };
    const found = paths(specOf(projectKind).properties?.["neon"]).filter(
      (path) => !path.startsWith("connectionRef"),
    );
    expect(found.length).toBeGreaterThan(9);
    for (const path of found) expect([path, known[path]]).toEqual([path, depth]);
  });

  it("of an Environment", () => {
    const found = paths(specOf(environmentKind).properties?.["neon"]);
    expect(found.length).toBeGreaterThan(5);
    for (const path of found) expect([path, branch.fields[renamed[path] ?? path]]).toEqual([path, depth]);
    const fixed = new Set(["branch", "parent"]);
    for (const path of found.filter((one) => !fixed.has(one)))
      expect([path, rootBranch.fields[path]]).toEqual([path, depth]);
  });

  it("of a Preview: what its data starts with, and how long it is needed", () => {
    const spec = specOf(previewKind).properties ?? {};
    expect(spec["data"]?.enum).toEqual(["Branch", "SchemaOnly", "None"]);
    expect([branch.fields["init"], branch.fields["expiresAt"]]).toEqual(["shallow", "shallow"]);
    expect(Object.keys(spec)).toEqual(expect.arrayContaining(["ttl", "keepUntil"]));
  });

  it("and every field of a definition is one that its diff can name", () => {
    const observed = {
      id: "br-1",
      name: "x",
      parentId: "br-0",
      parentName: "x",
      protected: true,
      expiresAt: undefined,
      init: "schema-only",
      endpoint: { id: "ep-1", host: "h", starting: false, min: 1, max: 1, suspendAfterSeconds: 1 },
      seenAt: 0,
    };
    const wanted = {
      projectId: "p",
      name: "y",
      parent: "y",
      protected: false,
      init: "parent-data" as const,
      expiresAt: "2026-01-01T00:00:00Z",
      compute: { min: 2, max: 2, suspendAfterSeconds: 2 },
    };
    const names = [
      ...branch.diff(wanted, observed, undefined, ""),
      ...branch.diff(wanted, { ...observed, endpoint: undefined }, undefined, ""),
    ].map((change) => change.field);
    expect([...new Set(names)].toSorted()).toEqual(Object.keys(branch.fields).toSorted());
  });
});
