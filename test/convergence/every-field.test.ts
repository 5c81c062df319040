import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { kinds } from "../../crds/index.ts";
import { definitionOf } from "../../reconcilers/providers.ts";
import { createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";
import { cloudflareFields, cloudflareFixed, previewFields, workerFields } from "./cloudflare-fields.ts";
import { definitions, managedFields } from "./definitions.ts";
import { settledFullShop } from "./full-shop.ts";
import { githubFields, githubFixed } from "./github-fields.ts";
import { neonFields, neonFixed } from "./neon-fields.ts";
import { specFields } from "./spec-fields.ts";

interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
}

/** Dotted paths of everything that can be set, through lists as if they had one item. */
function leaves(schema: Schema, path: string): string[] {
  if (schema.items?.properties) return leaves(schema.items, path);
  if (!schema.properties) return [path];
  return Object.entries(schema.properties).flatMap(([name, member]) =>
    leaves(member, path === "" ? name : `${path}.${name}`),
  );
}

const isFieldId = (text: string): boolean => /^\w+\/\w+:/.test(text);

describe("no field can be forgotten", () => {
  let world: World;
  const changed = new Set<string>();
  beforeAll(async () => {
    world = await createWorld({ publicUrl: "https://hooks.example" });
    await settledFullShop(world);
    for (const fields of [githubFields, neonFields, cloudflareFields, workerFields, previewFields])
      for (const { id } of fields(world)) changed.add(id);
  }, 60_000);
  afterAll(() => world.stop());
  const fixed = { ...githubFixed, ...neonFixed, ...cloudflareFixed };

  it("every managed field of every resource type is changed behind the controller's back, or cannot be", () => {
    expect(managedFields.length).toBeGreaterThan(80);
    expect(managedFields.filter((id) => !changed.has(id) && !Object.hasOwn(fixed, id))).toEqual([]);
  });

  it("nothing is tested that no definition manages, or that is said to be fixed", () => {
    const known = new Set(managedFields);
    expect([...changed, ...Object.keys(fixed)].filter((id) => !known.has(id))).toEqual([]);
    expect(Object.keys(fixed).filter((id) => changed.has(id))).toEqual([]);
  });

  it("the controller knows every resource type that the provider folders define", () => {
    expect(definitions.length).toBeGreaterThan(15);
    for (const { provider, type } of definitions)
      expect(definitionOf({ slot: "any", key: "any", provider, type, state: "ready" })?.type).toBe(type);
  });

  it.each(Object.keys(specFields))(
    "every field of the spec of a %s is a managed field or has a reason",
    (name) => {
      const kind = kinds.find((one) => one.kind === name);
      const schema = z.toJSONSchema(kind?.spec ?? z.object({}), { io: "input" }) as Schema;
      const found = leaves(schema, "");
      const told = specFields[name] ?? {};
      expect(found.length).toBeGreaterThan(8);
      expect(found.filter((path) => told[path] === undefined)).toEqual([]);
      expect(Object.keys(told).filter((path) => !found.includes(path))).toEqual([]);
      const known = new Set(managedFields);
      expect(Object.values(told).filter((target) => isFieldId(target) && !known.has(target))).toEqual([]);
    },
  );
});
