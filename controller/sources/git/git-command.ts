/** How git is run on a clone: nothing of the machine's or the repository's own configuration decides what is executed. */
import type { GitResult, GitRunner } from "../../runtime/adapters/run-git.ts";
import type { PreparedCredentials } from "./credentials.ts";
import type { GitUrl } from "./git-url.ts";

const MiB = 1024 * 1024;
const NETWORK_TIMEOUT = 120_000;
const LOCAL_TIMEOUT = 60_000;
/** Bytes that git may ask for at once: an object that small packs unfold to is no manifest. */
const ALLOCATION = "256m";

const CONFIG: readonly (readonly [string, string])[] = [
  ["protocol.allow", "never"],
  ["protocol.https.allow", "always"],
  ["protocol.ssh.allow", "always"],
  ["core.hooksPath", "/dev/null"],
  ["core.fsmonitor", "false"],
  ["core.askPass", ""],
  ["credential.helper", ""],
  ["http.followRedirects", "false"],
  ["http.lowSpeedLimit", "100"],
  ["http.lowSpeedTime", "60"],
  ["fetch.recurseSubmodules", "false"],
  ["transfer.bundleURI", "false"],
  // What is fetched stays one file, whose growth can be watched; what is large passes through without being held.
  ["fetch.unpackLimit", "1"],
  ["core.bigFileThreshold", "1m"],
  ["gc.autoDetach", "false"],
  ["init.defaultBranch", "main"],
];

const ENVIRONMENT: Readonly<Record<string, string>> = {
  LC_ALL: "C",
  // Without these, files in a home directory (.gitconfig, .netrc) would have a say.
  HOME: "/nonexistent",
  XDG_CONFIG_HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_ATTR_NOSYSTEM: "1",
  GIT_TERMINAL_PROMPT: "0",
  GIT_ASKPASS: "",
  SSH_ASKPASS: "",
  GIT_PROTOCOL_FROM_USER: "0",
  GIT_OPTIONAL_LOCKS: "0",
  GIT_NO_REPLACE_OBJECTS: "1",
  GIT_NO_LAZY_FETCH: "1",
  GIT_ALLOC_LIMIT: ALLOCATION,
  GIT_DIR: ".",
};

/** Git on one clone and its remote. Whatever exit code it ends with is a result; what the runner throws passes through. */
export interface GitCommand {
  /**
   * Reads or changes the clone alone; 60 seconds at most.
   * @param options.maxOutput bytes. Default 1 MiB
   * @param options.input what it reads from standard input. Default: nothing
   */
  local(
    args: readonly string[],
    signal: AbortSignal,
    options?: { maxOutput?: number; input?: string },
  ): Promise<GitResult>;
  /** Speaks with the remote, with its credentials; 120 seconds and 4 MiB of output at most. */
  remote(command: string, args: readonly string[], signal: AbortSignal): Promise<GitResult>;
}

/** @param options.guard ends a run that speaks with the remote by the error it returns; asked again and again */
export function gitCommand(options: {
  readonly run: GitRunner;
  readonly directory: string;
  readonly url: GitUrl;
  readonly credentials: PreparedCredentials;
  guard(): Promise<Error | undefined>;
}): GitCommand {
  const { run, directory, url, credentials } = options;
  return {
    local: (args, signal, { maxOutput = MiB, input } = {}) =>
      run(
        { args, cwd: directory, env: environment([], {}), timeout: LOCAL_TIMEOUT, maxOutput, input },
        signal,
      ),
    remote: (command, args, signal) => {
      const reach: (readonly [string, string])[] = [
        ...(url.protocol === "file" ? [["protocol.file.allow", "always"] as const] : []),
        ...(url.resolved === undefined ? [] : [["http.curloptResolve", url.resolved] as const]),
      ];
      // Exactly the directory that was looked at, and not what git finds near it.
      const strict = url.protocol === "file" ? ["--upload-pack=git-upload-pack --strict"] : [];
      return run(
        {
          args: [command, ...strict, ...args],
          cwd: directory,
          env: environment([...reach, ...credentials.config], credentials.env),
          timeout: NETWORK_TIMEOUT,
          maxOutput: 4 * MiB,
          guard: () => options.guard(),
        },
        signal,
      );
    },
  };
}

function environment(
  further: readonly (readonly [string, string])[],
  variables: Readonly<Record<string, string>>,
): Record<string, string> {
  const config = [...CONFIG, ...further];
  const env: Record<string, string> = {
    ...ENVIRONMENT,
    GIT_CONFIG_COUNT: String(config.length),
    ...variables,
  };
  for (const [index, [key, value]] of config.entries()) {
    env[`GIT_CONFIG_KEY_${index}`] = key;
    env[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return env;
}
