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
  /** Leaves the lines as they are; nothing is redrawn any more. */
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

function lineOf({ kind, message, name, namespace, reason, state }: ObjectReadiness): string {
  const place = `${kind.toLowerCase()} ${namespace === "default" ? "" : `${namespace}/`}${name}`;
  return state === "ready"
    ? `${signs.ready} ${place}: Ready`
    : `${signs[state]} ${place}: ${reason}: ${message}`;
}

/** JSON lines: `{"event":"object", kind, namespace, name, state, reason, message}` per change. */
export function jsonProgress(terminal: Terminal): Progress {
  const shown = new Map<string, string>();
  return {
    show: (objects) => {
      for (const object of objects.map(readinessOf)) {
        const text = JSON.stringify({ event: "object", ...object });
        const key = `${object.kind}/${object.namespace}/${object.name}`;
        if (shown.get(key) !== text) terminal.line(text);
        shown.set(key, text);
      }
    },
    note: (text) => terminal.line(JSON.stringify({ event: "note", message: text })),
    end: () => undefined,
  };
}

function plainProgress(terminal: Terminal): Progress {
  const shown = new Map<string, string>();
  return {
    show: (objects) => {
      for (const object of objects.map(readinessOf)) {
        const line = lineOf(object);
        const key = `${object.kind}/${object.namespace}/${object.name}`;
        if (shown.get(key) !== line) terminal.line(line);
        shown.set(key, line);
      }
    },
    note: (text) => terminal.line(text),
    end: () => undefined,
  };
}

function livingProgress(terminal: Terminal): Progress {
  let drawn: string[] = [];
  let ended = false;
  const erase = (): string => (drawn.length === 0 ? "" : `\u001b[${drawn.length}A\u001b[0J`);
  const draw = (lines: string[]): void => {
    terminal.raw(`${erase()}${lines.map((line) => `${line}\n`).join("")}`);
    drawn = lines;
  };
  return {
    show: (objects) => {
      if (ended) return;
      const all = objects.map(readinessOf);
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
      if (!ended) draw(lines);
    },
    end: () => {
      ended = true;
      drawn = [];
    },
  };
}

/** Living lines where somebody watches, plain ones elsewhere. */
export function textProgress(terminal: Terminal): Progress {
  return terminal.interactive ? livingProgress(terminal) : plainProgress(terminal);
}
