/** What people see while the world converges: one living line per object, or a plain line per change. */
import type { KubernetesObject } from "../../store/resource-client.ts";
import { readinessOf } from "../readiness.ts";
import type { ObjectReadiness } from "../readiness.ts";
import type { Terminal } from "../terminal.ts";
import { clipped } from "../terminal.ts";

export interface Progress {
  show(objects: readonly KubernetesObject[]): void;
  /** Writes something above the living lines. */
  note(text: string): void;
  /** Leaves the lines as they are: nothing is redrawn any more, and what changes gets a line of its own. */
  end(): void;
}

const signs: Readonly<Record<ObjectReadiness["state"], string>> = Object.freeze({
  ready: "✓",
  progressing: "…",
  waiting: "…",
  stalled: "✗",
  deleting: "-",
  suspended: "‖",
});

/** More objects than this are summed up: a screen has only so many lines. */
const MOST_LINES = 30;

function placeOf({ kind, name, namespace }: ObjectReadiness): string {
  return `${kind.toLowerCase()} ${namespace === "default" ? "" : `${namespace}/`}${name}`;
}

function lineOf(object: ObjectReadiness): string {
  const { message, reason, state } = object;
  const place = `${signs[state]} ${placeOf(object)}`;
  if (state === "ready") return `${place}: Ready`;
  // What the status says is about the spec before, or nothing yet.
  if (reason === "NotReconciled" || (state === "progressing" && reason === "Succeeded"))
    return `${place}: to be compared`;
  if (state === "deleting" && reason === "Succeeded") return `${place}: being deleted`;
  return `${place}: ${reason}: ${message}`;
}

/** JSON lines: `{"event":"object", kind, namespace, name, state, reason, message}` per change. */
export function jsonProgress(terminal: Terminal): Progress {
  const shown = new Map<string, string>();
  return {
    show: (objects) => {
      for (const object of objects.map(readinessOf)) {
        const text = JSON.stringify({ event: "object", ...object });
        const key = keyOf(object);
        if (shown.get(key) !== text) terminal.line(text);
        shown.set(key, text);
      }
    },
    note: (text) => terminal.line(JSON.stringify({ event: "note", message: text })),
    end: () => undefined,
  };
}

const keyOf = ({ kind, name, namespace }: ObjectReadiness): string => `${kind}/${namespace}/${name}`;

/** @param known what people have seen already, so that only what changes from there is told */
function plainProgress(terminal: Terminal, known: readonly ObjectReadiness[] = []): Progress {
  const shown = new Map(known.map((object) => [keyOf(object), object] as const));
  return {
    show: (objects) => {
      const all = new Map(objects.map(readinessOf).map((object) => [keyOf(object), object] as const));
      for (const [key, object] of all) {
        const before = shown.get(key);
        if (before === undefined || lineOf(before) !== lineOf(object)) terminal.line(lineOf(object));
        shown.set(key, object);
      }
      for (const [key, object] of shown) {
        if (all.has(key)) continue;
        terminal.line(`${signs.deleting} ${placeOf(object)}: gone`);
        shown.delete(key);
      }
    },
    note: (text) => terminal.line(text),
    end: () => undefined,
  };
}

function livingProgress(terminal: Terminal): Progress {
  let drawn: string[] = [];
  let latest: ObjectReadiness[] = [];
  /** What goes on once the lines are left as they are. */
  let after: Progress | undefined;
  const erase = (): string => (drawn.length === 0 ? "" : `\u001b[${drawn.length}A\u001b[0J`);
  const draw = (lines: string[]): void => {
    terminal.raw(`${erase()}${lines.map((line) => `${line}\n`).join("")}`);
    drawn = lines;
  };
  return {
    show: (objects) => {
      if (after !== undefined) {
        after.show(objects);
        return;
      }
      const all = objects.map(readinessOf);
      latest = all;
      const ready = all.filter(({ state }) => state === "ready").length;
      const chosen =
        all.length <= MOST_LINES ? all : all.filter(({ state }) => state !== "ready").slice(0, MOST_LINES);
      const rest = all.length > chosen.length ? [`  ${ready} of ${all.length} are Ready`] : [];
      const lines = [...chosen.map(lineOf), ...rest].map((line) =>
        clipped(line.replaceAll("\n", " "), terminal.columns - 1),
      );
      if (lines.join("\n") !== drawn.join("\n")) draw(lines);
    },
    note: (text) => {
      const lines = drawn;
      terminal.raw(erase());
      drawn = [];
      terminal.line(text);
      if (after === undefined) draw(lines);
    },
    end: () => {
      after = plainProgress(terminal, latest);
      drawn = [];
    },
  };
}

/** Living lines where somebody watches, plain ones elsewhere. */
export function textProgress(terminal: Terminal): Progress {
  return terminal.interactive ? livingProgress(terminal) : plainProgress(terminal);
}
