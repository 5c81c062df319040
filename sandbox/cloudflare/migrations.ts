import { z } from "zod";
import { checkShape, failure } from "./envelope.ts";

const step = z.object({
  new_classes: z.array(z.string()).optional(),
  new_sqlite_classes: z.array(z.string()).optional(),
  deleted_classes: z.array(z.string()).optional(),
  renamed_classes: z.array(z.object({ from: z.string(), to: z.string() })).optional(),
  transferred_classes: z
    .array(z.object({ from: z.string(), from_script: z.string(), to: z.string() }))
    .optional(),
});

const migrationsSchema = step.extend({
  old_tag: z.string().optional(),
  new_tag: z.string().optional(),
  steps: z.array(step).optional(),
});

/** The Durable Object side of a Worker: declared classes and the tag of the last migration. */
export interface DurableObjectState {
  classes: string[];
  tag?: string;
}

/**
 * Applies an upload's `migrations` to a Worker's Durable Object classes.
 * @throws CloudflareFailure 10074 when a class does not exist (or exists already), 10079 when `old_tag` is not the current tag
 */
export function applyMigrations(current: DurableObjectState, migrations: unknown): DurableObjectState {
  if (migrations === undefined || migrations === null) return current;
  const wanted = checkShape(migrations, migrationsSchema, 10021);
  if ((wanted.old_tag ?? "") !== (current.tag ?? "") && wanted.old_tag !== undefined) {
    throw failure(412, 10079, `migration tag precondition failed; current tag is '${current.tag ?? ""}'`);
  }
  let classes = current.classes;
  for (const each of [wanted, ...(wanted.steps ?? [])]) {
    for (const name of [...(each.new_classes ?? []), ...(each.new_sqlite_classes ?? [])]) {
      if (classes.includes(name))
        throw failure(
          400,
          10074,
          `Cannot apply new-class migration to class '${name}' that is already depended on by existing Durable Objects`,
        );
      classes = [...classes, name];
    }
    for (const { from, to } of each.renamed_classes ?? []) {
      if (!classes.includes(from))
        throw failure(400, 10074, `Cannot apply rename-class migration to non-existent class '${from}'`);
      classes = classes.map((name) => (name === from ? to : name));
    }
    for (const name of each.deleted_classes ?? []) {
      if (!classes.includes(name))
        throw failure(400, 10074, `Cannot apply delete-class migration to non-existent class '${name}'`);
      classes = classes.filter((candidate) => candidate !== name);
    }
    classes = [...classes, ...(each.transferred_classes ?? []).map((transfer) => transfer.to)];
  }
  const tag = wanted.new_tag ?? current.tag;
  return tag === undefined ? { classes } : { classes, tag };
}
