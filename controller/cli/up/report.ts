/** Everything `up` says: where things are, how far they are, and how it ended; as text or as JSON lines. */
import type { SandboxAddresses } from "../../../sandbox/serve.ts";
import type { Clock, Fetch } from "../../runtime/clock.ts";
import type { KubernetesObject } from "../../store/resource-client.ts";
import { matricesOf, matrixText } from "../matrix-text.ts";
import { isSettled } from "../readiness.ts";
import type { ObjectReadiness } from "../readiness.ts";
import type { Terminal } from "../terminal.ts";
import { cloneCommands, psqlCommands } from "./addresses.ts";
import type { Convergence } from "./convergence.ts";
import { jsonProgress, textProgress } from "./progress.ts";
import type { WorldView } from "./view.ts";

/** Where everything is. */
interface Started {
  dataDirectory: string;
  installation: string;
  kubeconfig: string;
  api: string;
  ops: string;
  webhooks: string;
  sources: readonly string[];
  /** Path of the file with the sandbox's addresses and credentials. */
  sandbox: string | undefined;
}

interface Finished {
  result: Convergence;
  objects: readonly KubernetesObject[];
  addresses: SandboxAddresses | undefined;
  fetch: Fetch;
  signal: AbortSignal;
}

export interface Report {
  note(text: string): void;
  started(started: Started): void;
  /** Shows every change from now on. */
  follow(view: WorldView): void;
  /** The matrix, what to type next, and what is not Ready and why. */
  finished(finished: Finished): Promise<void>;
}

const endings: Readonly<Record<Convergence["ended"], string>> = Object.freeze({
  ready: "Everything is Ready.",
  stuck: "Not everything is Ready, and nothing more will change by itself:",
  timeout: "Not everything was Ready within the time limit (--timeout):",
  stopped: "Stopped before everything was Ready:",
});

const isOpen = ({ state }: ObjectReadiness): boolean => !isSettled(state);

/** @param options.output `text` for people, `json` for one JSON object per line */
export function createReport(options: { terminal: Terminal; clock: Clock; output: "text" | "json" }): Report {
  const { clock, output, terminal } = options;
  const progress = output === "json" ? jsonProgress(terminal) : textProgress(terminal, clock);
  const event = (name: string, fields: object): void =>
    terminal.line(JSON.stringify({ event: name, ...fields }));
  return {
    note: (text) => progress.note(text),
    started: (started) => {
      if (output === "json") event("started", started);
      else for (const line of startLines(started)) terminal.line(line);
    },
    follow: (view) => {
      progress.show(view.objects());
      view.onChange(({ object, type }) =>
        type === "deleted" ? progress.gone(object) : progress.changed(object),
      );
    },
    finished: async ({ addresses, fetch, objects, result, signal }) => {
      progress.end();
      const matrices = matricesOf(objects);
      const open = result.objects.filter(isOpen);
      const ready = result.ended === "ready";
      if (output === "json") {
        event("result", { ready, ended: result.ended, open, matrices });
        return;
      }
      for (const matrix of matrices) terminal.line(`\n${matrixText(matrix, { reasons: false })}`);
      if (ready) {
        terminal.line("");
        for (const command of cloneCommands(objects)) terminal.line(command);
        const databases =
          addresses === undefined ? [] : await psqlCommands({ addresses, fetch, objects, signal });
        for (const { command, name } of databases) terminal.line(`${command}   # ${name}`);
      }
      terminal.line(`\n${endings[result.ended]}`);
      for (const { kind, message, name, namespace, reason } of open) {
        terminal.line(`  ${kind} ${namespace}/${name}: ${reason}: ${message}`);
      }
    },
  };
}

function startLines(started: Started): string[] {
  const optional = [
    ...(started.sources.length === 0 ? [] : [`  sources     ${started.sources.join(", ")}`]),
    ...(started.sandbox === undefined ? [] : [`  sandbox     ${started.sandbox}`]),
  ];
  return [
    `flaresmith runs (installation ${started.installation}, data in ${started.dataDirectory})`,
    `  api         ${started.api}`,
    `  ops         ${started.ops}   /healthz /readyz /metrics`,
    `  webhooks    ${started.webhooks}/webhooks/github`,
    ...optional,
    "",
    `export KUBECONFIG=${started.kubeconfig}`,
    "kubectl get projects,environments,previews",
    "",
  ];
}
