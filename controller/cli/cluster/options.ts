/** What `flaresmith controller` takes. */
import type { LogLevel } from "../../runtime/log.ts";

export interface ControllerOptions {
  kubeconfig?: string | undefined;
  context?: string | undefined;
  allowCredentialPlugin: boolean;
  leaderElect: boolean;
  /** Only objects of this namespace. Left out: of all. */
  namespace?: string | undefined;
  /** Where the Lease, the installation's id and its key lie. */
  controllerNamespace?: string | undefined;
  installation?: string | undefined;
  /** Where clones of repositories lie. */
  dataDir?: string | undefined;
  opsAddress: string;
  webhooksAddress: string;
  publicUrl?: string | undefined;
  metricsPerObject: boolean;
  logFile: string;
  logLevel: LogLevel;
  output: "text" | "json";
}
