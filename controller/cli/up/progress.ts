/**
 * What people see while the world converges: one living line per object, or a plain line per change. A change costs the
 * same however many objects there are.
 */
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { KubernetesObject } from "../../store/resource-client.ts";
import { readinessOf } from "../readiness.ts";
import type { ObjectReadiness } from "../readiness.ts";
import type { Terminal } from "../terminal.ts";
import { clipped, printable } from "../terminal.ts";
import { shownTypes } from "../types.ts";

export interface Progress {
  /** Everything there is. Called once, first. */
  show(objects: readonly KubernetesObject[]): void;
  /** An object is new, or other than before. */
  changed(object: KubernetesObject): void;
  /** An object is no longer there. */
  gone(object: KubernetesObject): void;
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
  archived: "‖",
});

/** More objects than this are summed up: a screen has only so many lines. */
const MOST_LINES = 30;
/** Milliseconds between two drawings of the living lines. */
const DRAW_EVERY = 50;

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
  return `${place}: ${reason}: ${message.replaceAll("\n", " ")}`;
}

const keyOf = ({ kind, name, namespace }: ObjectReadiness): string => `${kind}/${namespace}/${name}`;

/** Tells every object whose text is not the one told last. */
class Lines {
  readonly #told = new Map<string, string>();
  readonly #terminal: Terminal;
  readonly #textOf: (object: ObjectReadiness) => string;

  constructor(terminal: Terminal, textOf: (object: ObjectReadiness) => string) {
    this.#terminal = terminal;
    this.#textOf = textOf;
  }

  tell(objects: readonly ObjectReadiness[]): void {
    const news: string[] = [];
    for (const object of objects) {
      const key = keyOf(object);
      const text = this.#textOf(object);
      if (this.#told.get(key) !== text) news.push(text);
      this.#told.set(key, text);
    }
    if (news.length > 0) this.#terminal.line(news.join("\n"));
  }

  /** @returns whether it had been told */
  forget(object: ObjectReadiness): boolean {
    return this.#told.delete(keyOf(object));
  }

  /** Takes objects as told that people have seen elsewhere. */
  seen(objects: Iterable<ObjectReadiness>): void {
    for (const object of objects) this.#told.set(keyOf(object), this.#textOf(object));
  }
}

/** JSON lines: `{"event":"object", kind, namespace, name, state, reason, message}` per change. */
export function jsonProgress(terminal: Terminal): Progress {
  const lines = new Lines(terminal, (object) => JSON.stringify({ event: "object", ...object }));
  return {
    show: (objects) => lines.tell(objects.map(readinessOf)),
    changed: (object) => lines.tell([readinessOf(object)]),
    gone: (object) => void lines.forget(readinessOf(object)),
    note: (text) => terminal.line(JSON.stringify({ event: "note", message: text })),
    end: () => undefined,
  };
}

/** @param known what people have seen already, so that only what changes from there is told */
function plainProgress(terminal: Terminal, known: Iterable<ObjectReadiness> = []): Progress {
  const lines = new Lines(terminal, lineOf);
  lines.seen(known);
  return {
    show: (objects) => lines.tell(objects.map(readinessOf)),
    changed: (object) => lines.tell([readinessOf(object)]),
    gone: (object) => {
      const last = readinessOf(object);
      if (lines.forget(last)) terminal.line(`${signs.deleting} ${placeOf(last)}: gone`);
    },
    note: (text) => terminal.line(text),
    end: () => undefined,
  };
}

function livingProgress(terminal: Terminal, clock: Clock): Progress {
  const objects = new Map<string, ObjectReadiness>();
  let drawn: string[] = [];
  let next: Timer | undefined;
  /** What goes on once the lines are left as they are. */
  let after: Progress | undefined;
  const erase = (): string => (drawn.length === 0 ? "" : `\u001b[${drawn.length}A\u001b[0J`);
  const write = (lines: string[]): void => {
    terminal.raw(`${erase()}${lines.map((line) => `${line}\n`).join("")}`);
    drawn = lines;
  };
  const draw = (): void => {
    next = undefined;
    const lines = livingLines([...objects.values()]).map((line) =>
      clipped(printable(line), terminal.columns - 1),
    );
    if (lines.join("\n") !== drawn.join("\n")) write(lines);
  };
  const soon = (): void => {
    next ??= clock.setTimer(DRAW_EVERY, draw);
  };
  return {
    show: (found) => {
      for (const object of found.map(readinessOf)) objects.set(keyOf(object), object);
      draw();
    },
    changed: (object) => {
      if (after !== undefined) {
        after.changed(object);
        return;
      }
      const changed = readinessOf(object);
      objects.set(keyOf(changed), changed);
      soon();
    },
    gone: (object) => {
      if (after !== undefined) {
        after.gone(object);
        return;
      }
      objects.delete(keyOf(readinessOf(object)));
      soon();
    },
    note: (text) => {
      const lines = drawn;
      terminal.raw(erase());
      drawn = [];
      terminal.line(text);
      if (after === undefined) write(lines);
    },
    end: () => {
      if (next !== undefined) {
        next.cancel();
        draw();
      }
      after = plainProgress(terminal, objects.values());
      drawn = [];
    },
  };
}

/** Every object, or, when a screen has not the lines for all, those that are not Ready and how many are. */
function livingLines(objects: readonly ObjectReadiness[]): string[] {
  if (objects.length <= MOST_LINES) return objects.toSorted(inOrder).map(lineOf);
  const open = objects.filter(({ state }) => state !== "ready");
  const ready = objects.length - open.length;
  const chosen = open.toSorted(inOrder).slice(0, MOST_LINES);
  return [...chosen.map(lineOf), `  ${ready} of ${objects.length} are Ready`];
}

const kindOrder = new Map(shownTypes.map(({ kind }, index) => [kind, index] as const));

/** Kind by kind, by namespace and name. */
function inOrder(a: ObjectReadiness, b: ObjectReadiness): number {
  if (a.kind !== b.kind) return (kindOrder.get(a.kind) ?? 0) - (kindOrder.get(b.kind) ?? 0);
  return keyOf(a) < keyOf(b) ? -1 : 1;
}

/** Living lines where somebody watches, plain ones elsewhere. */
export function textProgress(terminal: Terminal, clock: Clock): Progress {
  return terminal.interactive ? livingProgress(terminal, clock) : plainProgress(terminal);
}
