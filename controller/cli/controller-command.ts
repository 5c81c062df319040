/** `controller` on the command line. */
import { Option } from "commander";
import type { Command } from "commander";
import { controller } from "./cluster/controller.ts";
import type { ControllerOptions } from "./cluster/options.ts";
import {
  contextOption,
  credentialPluginOption,
  ending,
  metricsOption,
  outputOption,
} from "./command-parts.ts";
import type { Run } from "./command-parts.ts";
import type { CommandEnvironment } from "./environment.ts";

/** Adds the command. */
export function addController(program: Command, environment: CommandEnvironment, run: Run): void {
  program
    .command("controller")
    .summary("run the controller for a Kubernetes cluster: what its Deployment starts")
    .description(
      "Runs the reconcilers over the API of a Kubernetes cluster, in a pod with its service account or elsewhere with a\nkubeconfig. The CustomResourceDefinitions must be installed; it waits for them and says so. Of several processes one\nleads, the others are ready to take over.",
    )
    .option(
      "--kubeconfig <path>",
      "the cluster (default: KUBECONFIG, the pod's service account, ~/.kube/config)",
    )
    .addOption(contextOption())
    .addOption(credentialPluginOption())
    .option("--no-leader-elect", "work without a lease; only for a process that is alone")
    .option("--namespace <namespace>", "look after the objects of this namespace only (default: of all)")
    .option(
      "--controller-namespace <namespace>",
      "where the lease, the installation's id and its key lie (default: the pod's, else flaresmith-system)",
    )
    .option(
      "--installation <id>",
      "who this installation is, in every marker; needed once for a new cluster, then kept in a ConfigMap",
    )
    .option("--data-dir <directory>", "where clones of Sources lie (default: a temporary directory)")
    .option("--ops-address <host:port>", "where /healthz, /readyz, /metrics and the read API answer", ":8080")
    .option("--webhooks-address <host:port>", "where GitHub's webhooks arrive", ":8081")
    .option(
      "--public-url <url>",
      "how GitHub reaches the webhook address; without it repositories get no webhook",
    )
    .addOption(metricsOption())
    .option("--log-file <path>", "where log lines (JSON) go, - for standard error", "-")
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
          "flaresmith controller --installation acme                    in a pod",
          "flaresmith controller --kubeconfig ~/.kube/config --context kind-dev --installation acme",
        ],
        ["0  stopped by a signal", "1  could not start, or lost the lease", "2  the command line is wrong"],
      ),
    )
    .action((options: ControllerOptions) =>
      run(() => controller(options, environment), options.output, { outlivesOutput: true }),
    );
}
