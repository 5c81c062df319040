/** The commands that look and change nothing, and the sandbox alone. */
import type { Command } from "commander";
import {
  collect,
  contextOption,
  credentialPluginOption,
  dataDirOption,
  ending,
  kubeconfigOption,
  outputOption,
} from "./command-parts.ts";
import type { Run } from "./command-parts.ts";
import { crds } from "./commands/crds.ts";
import { diff, diffExitCodes } from "./commands/diff.ts";
import type { DiffOptions } from "./commands/diff.ts";
import { get } from "./commands/get.ts";
import type { GetOptions } from "./commands/get.ts";
import { runSandbox, sandboxVariables } from "./commands/sandbox.ts";
import type { SandboxOptions } from "./commands/sandbox.ts";
import { tree } from "./commands/tree.ts";
import type { TreeOptions } from "./commands/tree.ts";
import { exitCodes } from "./failure.ts";
import type { CommandEnvironment } from "./environment.ts";

const plainCodes = ["0  done", "1  no server answers, or it refused", "2  the command line is wrong"];

function addGet(program: Command, environment: CommandEnvironment, run: Run): void {
  program
    .command("get")
    .summary("print objects; for environments the matrix of every project")
    .description(
      "Prints objects of a running flaresmith up, or of the cluster that --kubeconfig names. For environments: which branch, commit, database and URL each has.",
    )
    .argument("[what]", "environments, projects, previews, sources, connections or all", "environments")
    .option("-n, --namespace <namespace>", "namespace (default: that of the kubeconfig)")
    .option("-A, --all-namespaces", "every namespace", false)
    .addOption(dataDirOption())
    .addOption(kubeconfigOption())
    .addOption(contextOption())
    .addOption(credentialPluginOption())
    .addOption(outputOption())
    .addHelpText(
      "after",
      ending(["flaresmith get", "flaresmith get all -A", "flaresmith get projects -o json"], plainCodes),
    )
    .action((what: string, options: GetOptions) =>
      run(() => get(what, options, environment), options.output),
    );
}

function addTree(program: Command, environment: CommandEnvironment, run: Run): void {
  program
    .command("tree")
    .summary("print an object, what hangs on it, and what it stands for at the providers")
    .argument("<kind/name>", "the object, such as project/shop")
    .option("-n, --namespace <namespace>", "namespace (default: that of the kubeconfig)")
    .addOption(dataDirOption())
    .addOption(kubeconfigOption())
    .addOption(contextOption())
    .addOption(credentialPluginOption())
    .addOption(outputOption())
    .addHelpText(
      "after",
      ending(["flaresmith tree project/shop", "flaresmith tree preview/shop-pr-1 -o json"], plainCodes),
    )
    .action((reference: string, options: TreeOptions) =>
      run(() => tree(reference, options, environment), options.output),
    );
}

function addDiff(program: Command, environment: CommandEnvironment, run: Run): void {
  program
    .command("diff")
    .summary("print what applying manifests would change at the providers; writes nothing anywhere")
    .description(
      "Plans the manifests as the controller would, with credentials that are used for reading only. A server (a running\nflaresmith up, or the cluster that --kubeconfig names) lends its objects, Connections and Secrets; without one the manifests must hold everything, and GITHUB_TOKEN, NEON_API_KEY and\nCLOUDFLARE_API_TOKEN stand for the Secrets env-github, env-neon and env-cloudflare.",
    )
    .requiredOption("-f, --file <path>", "file or directory of manifests")
    .option("-n, --namespace <namespace>", "namespace of the manifests (default: default)")
    .option(
      "--installation <id>",
      "without a running server: who this installation is, to recognise what is ours",
    )
    .addOption(dataDirOption())
    .addOption(kubeconfigOption())
    .addOption(contextOption())
    .addOption(credentialPluginOption())
    .addOption(outputOption())
    .addHelpText(
      "after",
      ending(
        ["flaresmith diff -f platform/", "flaresmith diff -f platform/project.yaml -o json"],
        [
          "0  nothing would change",
          "1  something would change",
          "2  it cannot be told: wrong command line, manifests, credentials",
        ],
      ),
    )
    .action((options: DiffOptions) =>
      run(() => diff(options, environment), options.output, { failureCode: diffExitCodes.failed }),
    );
}

function addSandbox(program: Command, environment: CommandEnvironment, run: Run): void {
  const sandbox = program
    .command("sandbox")
    .summary("run local GitHub, Neon and Cloudflare, without a controller")
    .option(
      "--sandbox-dir <directory>",
      "where the sandbox's world lies (default: sandbox in the data directory)",
    )
    .option(
      "--template <owner/name=directory>",
      "template repository to put into it; may be repeated",
      collect,
      [],
    )
    .addOption(dataDirOption())
    .addOption(outputOption())
    .addHelpText(
      "after",
      ending(
        [
          "flaresmith sandbox",
          'eval "$(flaresmith sandbox env)" && curl -H "authorization: Bearer $GITHUB_TOKEN" $GITHUB_API_URL/user',
        ],
        ["0  stopped by a signal", "1  could not start", "2  the command line is wrong"],
      ),
    )
    .action((options: SandboxOptions) =>
      run(() => runSandbox(options, environment), options.output, { outlivesOutput: true }),
    );
  sandbox
    .command("env")
    .summary("print environment variables that point other tools at the sandbox")
    .addOption(dataDirOption())
    .addOption(outputOption())
    .addHelpText(
      "after",
      ending(['eval "$(flaresmith sandbox env)"'], ["0  done", "1  no sandbox was started here"]),
    )
    .action((options: { dataDir: string; output: "text" | "json" }) =>
      run(() => sandboxVariables(options, environment), options.output),
    );
}

/** Adds `get`, `tree`, `diff`, `crds`, `sandbox` and `version`. */
export function addReadingCommands(program: Command, environment: CommandEnvironment, run: Run): void {
  addGet(program, environment, run);
  addTree(program, environment, run);
  addDiff(program, environment, run);
  program
    .command("crds")
    .summary("print the CustomResourceDefinitions")
    .addOption(outputOption())
    .addHelpText("after", ending(["flaresmith crds | kubectl apply -f -"], ["0  done"]))
    .action((options: { output: "text" | "json" }) =>
      run(() => Promise.resolve(crds(options, environment.terminal)), options.output),
    );
  addSandbox(program, environment, run);
  program
    .command("version")
    .summary("print the version")
    .addOption(outputOption())
    .addHelpText("after", ending(["flaresmith version"], ["0  done"]))
    .action((options: { output: "text" | "json" }) =>
      run(() => {
        const { terminal, version } = environment;
        terminal.line(
          options.output === "json" ? JSON.stringify({ version, node: process.version }) : version,
        );
        return Promise.resolve(exitCodes.ok);
      }, options.output),
    );
}
