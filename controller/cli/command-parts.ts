/** What several commands have in common on the command line. */
import { InvalidArgumentError, Option } from "commander";

interface RunOptions {
  /** Default 1 */
  failureCode?: number;
  /** Its work is not what it prints: output that gets lost is no failure. */
  outlivesOutput?: boolean;
}

/** Runs a command's action and turns what it throws, and output that got lost, into a message and an exit code. */
export type Run = (
  action: () => Promise<number>,
  output: "text" | "json",
  options?: RunOptions,
) => Promise<void>;

export const outputOption = (): Option =>
  new Option("-o, --output <format>", "how the result is written").choices(["text", "json"]).default("text");

export const metricsOption = (): Option =>
  new Option("--metrics-per-object", "flaresmith_resource_info with a series for each object").default(false);

export const dataDirOption = (): Option =>
  new Option("--data-dir <directory>", "where store, kubeconfig and sandbox lie").default(".flaresmith");

export const kubeconfigOption = (): Option =>
  new Option("--kubeconfig <path>", "the server to ask (default: the one of the data directory)");

export const contextOption = (): Option =>
  new Option(
    "--context <name>",
    "context of the kubeconfig (default: its current one; of a data directory: flaresmith)",
  );

export const credentialPluginOption = (): Option =>
  new Option(
    "--allow-credential-plugin",
    "start the program that the kubeconfig names for its credentials",
  ).default(false);

/** @throws InvalidArgumentError for anything but a port number */
export function port(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number <= 65_535) return number;
  throw new InvalidArgumentError("A port is a whole number from 0 to 65535.");
}

/** Gathers the values of an option that may be repeated. */
export const collect = (value: string, previous: readonly string[]): string[] => [...previous, value];

/** Examples and exit codes, below a command's options. */
export const ending = (examples: readonly string[], codes: readonly string[]): string =>
  [
    "",
    "Examples:",
    ...examples.map((line) => `  ${line}`),
    "",
    "Exit codes:",
    ...codes.map((line) => `  ${line}`),
  ].join("\n");
