/** `up` on the command line. */
import { Option } from "commander";
import type { Command } from "commander";
import { collect, dataDirOption, ending, metricsOption, outputOption, port } from "./command-parts.ts";
import type { Run } from "./command-parts.ts";
import type { CommandEnvironment } from "./environment.ts";
import type { UpOptions } from "./up/options.ts";
import { up } from "./up/up.ts";

/** Adds the command. */
export function addUp(program: Command, environment: CommandEnvironment, run: Run): void {
  program
    .command("up")
    .summary("run the controller on this machine: store, Kubernetes API, reconcilers")
    .description(
      "Runs the store, the Kubernetes-shaped API and the controller in one process, against the real providers or, with\n--sandbox, against local ones. GITHUB_TOKEN, NEON_API_KEY and CLOUDFLARE_API_TOKEN become the in-memory Secrets\nenv-github, env-neon and env-cloudflare of namespace default; they are never stored.",
    )
    .option(
      "--source <path|url>",
      "directory or git repository with YAML to apply; may be repeated",
      collect,
      [],
    )
    .option("--sandbox", "also run local GitHub, Neon and Cloudflare, and use only them", false)
    .option(
      "--sandbox-dir <directory>",
      "where the sandbox's world lies (default: sandbox in the data directory)",
    )
    .option(
      "--template <owner/name=directory>",
      "template repository to put into the sandbox; may be repeated",
      collect,
      [],
    )
    .addOption(dataDirOption())
    .option("--installation <id>", "who this installation is, in every marker; needed once for a new store")
    .option("--once", "stop when everything is Ready, or when nothing more will change", false)
    .option("--timeout <duration>", "how long --once waits", "10m")
    .option("--api-port <port>", "port of the Kubernetes API (default: that of the last run, else any)", port)
    .option(
      "--ops-address <host:port>",
      "where /healthz, /readyz, /metrics and the read API answer (default: 127.0.0.1, any port)",
    )
    .option("--webhooks-address <host:port>", "where GitHub's webhooks arrive (default: 127.0.0.1, any port)")
    .option(
      "--public-url <url>",
      "how GitHub reaches the webhook address; without it repositories get no webhook",
    )
    .addOption(metricsOption())
    .option(
      "--allow-directory <directory>",
      "directory that Sources may read, besides those named with --source; may be repeated",
      collect,
      [],
    )
    .option(
      "--log-file <path>",
      "where log lines (JSON) go, - for standard error (default: flaresmith.log in the data directory)",
    )
    .addOption(
      new Option("--log-level <level>", "lowest level that is logged")
        .choices(["debug", "info", "warn", "error", "silent"])
        .default("info"),
    )
    .addOption(outputOption())
    .addHelpText(
      "after",
      ending(
        [
          "flaresmith up --sandbox --source examples/quickstart          try everything, no account needed",
          "flaresmith up --sandbox --source examples/quickstart --once   the same as a check: ends when Ready",
          "flaresmith up --source ./platform --installation acme         against the real providers, the first time",
          "flaresmith up --source https://github.com/acme/platform.git#main",
        ],
        [
          "0  stopped by a signal; with --once: everything is Ready",
          "1  could not start; with --once: not everything is Ready",
          "2  the command line is wrong",
        ],
      ),
    )
    .action((options: UpOptions) =>
      run(() => up(options, environment), options.output, { outlivesOutput: !options.once }),
    );
}
