/** A preview of changes as text and as JSON. */
import { publicCode } from "../../runtime/errors.ts";
import type { ObjectPreview } from "../../../reconcilers/preview-objects.ts";

type Change = ObjectPreview["changes"][number];

const signs: Readonly<Record<Change["action"], string>> = Object.freeze({
  create: "+",
  update: "~",
  remove: "-",
  orphan: "o",
  confirm: "!",
  report: "=",
  wait: "…",
  failed: "?",
});

const words: Readonly<Record<Change["action"], string>> = Object.freeze({
  create: "created",
  update: "changed",
  remove: "deleted",
  orphan: "left in place",
  confirm: "waiting for confirmation",
  report: "only reported (drift: Warn)",
  wait: "under way",
  failed: "not known",
});

/** A value stays on its line: what it holds must not read as another change. */
function valueText(value: string | undefined): string {
  return value === undefined ? "(not set)" : value.replaceAll("\n", "\\n");
}

function changeLines({ action, error, fields, message, what }: Change): string[] {
  const why = message === undefined ? "" : ` (${message})`;
  const remedy = error === undefined || message?.includes(error.hint) === true ? [] : [`      ${error.hint}`];
  return [
    `  ${signs[action]} ${what}${why}`,
    ...fields.map(({ effect, field, from, to }) => {
      const values = from === undefined && to === undefined ? "" : `: ${valueText(from)} -> ${valueText(to)}`;
      return `      ${field}${values}${effect === "in-place" ? "" : ` (${effect})`}`;
    }),
    ...remedy,
  ];
}

/** Lines for people: what would happen, object by object, and a sum. Empty when nothing would. */
export function diffLines(previews: readonly ObjectPreview[]): string[] {
  const shown = previews.filter(({ changes, error }) => changes.length > 0 || error !== undefined);
  if (shown.length === 0) return [];
  const blocks = shown.flatMap(({ changes, error, kind, name, namespace }) => [
    `${kind} ${namespace}/${name}`,
    ...(error === undefined ? [] : [`  ? ${error.message}`, `      ${error.hint}`]),
    ...changes.flatMap(changeLines),
    "",
  ]);
  const counts = new Map<string, number>();
  for (const { action } of shown.flatMap(({ changes }) => changes))
    counts.set(words[action], (counts.get(words[action]) ?? 0) + 1);
  const sum = Object.values(words).flatMap((word) =>
    counts.has(word) ? [`${counts.get(word)} ${word}`] : [],
  );
  return [...blocks, ...(sum.length === 0 ? [] : [`At the providers: ${sum.join(", ")}.`])];
}

/** The same for programs, and what was compared through: no server when the manifests are all there is. */
export function toJson(
  previews: readonly ObjectPreview[],
  basis: { server: string | undefined; installation: string | undefined },
): unknown {
  return {
    basis: { server: basis.server ?? null, installation: basis.installation ?? null },
    changes: previews.flatMap(({ changes }) => changes).length,
    objects: previews.map(({ changes, error, ...place }) => ({
      ...place,
      ...(error === undefined
        ? {}
        : { error: { code: publicCode(error), message: error.message, hint: error.hint } }),
      changes: changes.map(({ error: problem, ...change }) => ({
        ...change,
        ...(problem === undefined ? {} : { error: { code: publicCode(problem), hint: problem.hint } }),
      })),
    })),
  };
}
