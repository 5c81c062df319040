/** What a search for leaks came to, as text and as JSON. */
import { humanDuration } from "../../apiserver/human-duration.ts";
import { publicCode } from "../../runtime/errors.ts";
import { includeName } from "../../../reconcilers/engine/leaks/choose-leaks.ts";
import type { LeakChoice } from "../../../reconcilers/engine/leaks/choose-leaks.ts";
import type { Leak, LeakReport } from "../../../reconcilers/engine/leaks/find-leaks.ts";
import type { RemovedLeak } from "../../../reconcilers/engine/leaks/remove-leaks.ts";
import { tableText } from "../terminal.ts";

const HEADER = ["PROVIDER/TYPE/ID", "NAME", "OWNER", "AGE", "WHY"] as const;

const nameOf = ({ found: { definition, id } }: Leak): string => includeName({ ...definition, id });

function ownerOf({ found, owner }: Leak): string {
  return owner === undefined
    ? `unknown (mark ${found.mark})`
    : `${owner.namespace}/${owner.kind}/${owner.name} ${owner.slot}`;
}

function table(leaks: readonly Leak[], now: number): string[] {
  const rows = leaks.map((leak) => {
    const { connection, createdAt, name, scope } = leak.found;
    // The account goes without saying.
    const place = scope === connection.account ? "" : scope.replace(`${connection.account}/`, "");
    const age = createdAt === undefined ? "unknown" : humanDuration(now - createdAt);
    return [nameOf(leak), place === "" ? name : `${name} in ${place}`, ownerOf(leak), age, leak.why];
  });
  return tableText(HEADER, rows).split("\n");
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", title, ...lines];
}

/** Lines for people: the leaks, what stays on purpose, and everything that bounds what can be said. */
export function reportLines(report: LeakReport, installation: string, now: number): string[] {
  const { leaks, missed, notes, tombstones, undecided } = report;
  const whole = missed.length === 0 && undecided.length === 0;
  const bounds = whole ? "" : ", as far as could be looked";
  const head =
    leaks.length === 0
      ? [`Nothing that installation ${installation} made is without an owner${bounds}.`]
      : [
          `${leaks.length} made by installation ${installation} and without an owner${bounds}:`,
          ...table(leaks, now),
        ];
  const standing = tombstones.map(({ found, tombstone }) => [
    includeName(tombstone),
    tombstone.scope === "" ? tombstone.name : `${tombstone.name} in ${tombstone.scope}`,
    `${tombstone.namespace}/${tombstone.owner.replace(" ", "/")}`,
    tombstone.when,
    found ? "yes" : "not looked for, or not found",
    tombstone.why,
  ]);
  return [
    ...head,
    ...section(
      "Left in place on purpose, and never deleted here:",
      standing.length === 0
        ? []
        : tableText(["PROVIDER/TYPE/ID", "NAME", "OWNER", "SINCE", "SEEN", "WHY"], standing).split("\n"),
    ),
    ...section(
      "Without an owner, and it cannot be told yet whether that stays so:",
      undecided.length === 0 ? [] : table(undecided, now),
    ),
    ...section(
      "Could not be looked at, so that nothing is said about it:",
      missed.flatMap(({ connection, error, provider, what }) => [
        `  ${provider} ${what} through Connection ${connection}: ${error.message}`,
        `      ${error.hint}`,
      ]),
    ),
    ...notes.map((note) => `note: ${note}`),
  ];
}

/** What a deletion is going to take, and what it leaves. */
export function choiceLines({ chosen, kept }: LeakChoice): string[] {
  const lineOf = (leak: Leak): string => `${nameOf(leak)} (${leak.found.name})`;
  return [
    ...section(
      "To be deleted:",
      chosen.map((leak) => `  ${lineOf(leak)}`),
    ),
    ...section(
      "Not to be deleted:",
      kept.map(({ leak, why }) => `  ${lineOf(leak)}: ${why}`),
    ),
    "",
  ];
}

/** What a deletion came to. */
export function removalLines(results: readonly RemovedLeak[]): string[] {
  const lines = results.flatMap(({ error, leak, result, why }) => [
    `${result} ${nameOf(leak)} (${leak.found.name})${why === "" ? "" : `: ${why}`}`,
    ...(error === undefined || why.includes(error.hint) ? [] : [`    ${error.hint}`]),
  ]);
  const count = (wanted: RemovedLeak["result"]): number =>
    results.filter(({ result }) => result === wanted).length;
  return [...lines, `${count("deleted")} deleted, ${count("kept")} kept, ${count("failed")} failed.`];
}

function leakJson(leak: Leak, now: number): Record<string, unknown> {
  const { connection, createdAt, definition, id, mark, name, scope } = leak.found;
  const { holds, provider, type } = definition;
  return {
    provider,
    type,
    id,
    name,
    scope,
    holds,
    owner: leak.owner === undefined ? null : { ...leak.owner },
    mark,
    createdAt: createdAt === undefined ? null : new Date(createdAt).toISOString(),
    ageSeconds: createdAt === undefined ? null : Math.max(0, Math.round((now - createdAt) / 1000)),
    why: leak.why,
    include: nameOf(leak),
    connection: connection.key,
  };
}

/** The same for programs. */
export function toJson(
  report: LeakReport,
  removal: { choice: LeakChoice; results: readonly RemovedLeak[] } | undefined,
  installation: string,
  now: number,
): unknown {
  const { leaks, missed, notes, tombstones, undecided } = report;
  return {
    installation,
    leaks: leaks.map((leak) => leakJson(leak, now)),
    tombstones: tombstones.map(({ found, tombstone }) => ({ ...tombstone, seen: found })),
    undecided: undecided.map((leak) => leakJson(leak, now)),
    missed: missed.map(({ connection, error, provider, what }) => ({
      connection,
      provider,
      what,
      code: publicCode(error),
      message: error.message,
      hint: error.hint,
    })),
    notes,
    ...(removal === undefined
      ? {}
      : {
          deletion: {
            results: removal.results.map(({ error, leak, result, why }) => ({
              include: nameOf(leak),
              result,
              ...(why === "" ? {} : { why }),
              ...(error === undefined ? {} : { code: publicCode(error), hint: error.hint }),
            })),
            notTaken: removal.choice.kept.map(({ leak, why }) => ({ include: nameOf(leak), why })),
          },
        }),
  };
}
