/** What `flaresmith up` takes. */
import type { LogLevel } from "../../runtime/log.ts";

export interface UpOptions {
  source: readonly string[];
  sandbox: boolean;
  sandboxDir?: string | undefined;
  template: readonly string[];
  dataDir: string;
  installation?: string | undefined;
  once: boolean;
  /** Go duration; for `--once` only. */
  timeout: string;
  output: "text" | "json";
  apiPort?: number | undefined;
  opsAddress?: string | undefined;
  webhooksAddress?: string | undefined;
  publicUrl?: string | undefined;
  metricsPerObject: boolean;
  allowDirectory: readonly string[];
  logFile?: string | undefined;
  logLevel: LogLevel;
}
