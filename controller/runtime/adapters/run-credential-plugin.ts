/** Starts the program that a kubeconfig's `exec` names and reads the token it prints. Only where a person allowed it. */
import { spawn } from "node:child_process";
import type { Clock } from "../clock.ts";

export interface CredentialPluginCall {
  readonly command: string;
  readonly args: readonly string[];
  /** Added to the process's environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly apiVersion: string;
  readonly installHint?: string | undefined;
  /** Told to plugins that ask for it. */
  readonly cluster?: Readonly<Record<string, unknown>> | undefined;
}

export interface PluginToken {
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt?: number;
}

const DEADLINE = 60_000;
const MOST_OUTPUT = 1024 * 1024;
const MOST_COMPLAINT = 2048;

/**
 * Runs the plugin without a shell and without a terminal.
 *
 * @throws Error with what the plugin said, when it cannot be started, fails, takes over a minute, or prints no token
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
 */
export async function runCredentialPlugin(
  call: CredentialPluginCall,
  options: { clock: Clock; environment: Readonly<Record<string, string | undefined>> },
): Promise<PluginToken> {
  const spec = { interactive: false, ...(call.cluster === undefined ? {} : { cluster: call.cluster }) };
  const info = { apiVersion: call.apiVersion, kind: "ExecCredential", spec };
  const output = await outputOf(
    call,
    { ...options.environment, ...call.env, KUBERNETES_EXEC_INFO: JSON.stringify(info) },
    options.clock,
  );
  return tokenIn(call, output);
}

function outputOf(
  call: CredentialPluginCall,
  env: Readonly<Record<string, string | undefined>>,
  clock: Clock,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = spawn(call.command, call.args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let complaint = "";
  const fail = (what: string, cause?: unknown): void => {
    child.kill("SIGKILL");
    reject(new Error(`the credential plugin ${call.command} ${what}`, { cause }));
  };
  const timer = clock.setTimer(DEADLINE, () => fail("did not answer within a minute"));
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
    if (out.length > MOST_OUTPUT) fail("printed more than 1 MiB");
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-MOST_COMPLAINT);
  });
  child.on("error", (error) => {
    timer.cancel();
    const hint = call.installHint === undefined ? "" : `: ${call.installHint.trim()}`;
    fail(`cannot be started${hint}`, error);
  });
  child.on("close", (code, signal) => {
    timer.cancel();
    if (code === 0) resolve(out);
    else fail(`ended with ${code === null ? `signal ${signal}` : `exit code ${code}`}: ${complaint.trim()}`);
  });
  return promise;
}

function tokenIn({ apiVersion, command }: CredentialPluginCall, output: string): PluginToken {
  let answer: {
    kind?: unknown;
    apiVersion?: unknown;
    status?: { token?: unknown; expirationTimestamp?: unknown; clientCertificateData?: unknown };
  };
  try {
    answer = JSON.parse(output) as typeof answer;
  } catch (error) {
    throw new Error(`the credential plugin ${command} printed no JSON`, { cause: error });
  }
  if (answer.kind !== "ExecCredential" || answer.apiVersion !== apiVersion)
    throw new Error(`the credential plugin ${command} printed no ExecCredential of ${apiVersion}`);
  const { clientCertificateData, expirationTimestamp, token } = answer.status ?? {};
  if (typeof token !== "string" || token === "") {
    throw new Error(
      clientCertificateData === undefined
        ? `the credential plugin ${command} printed no token`
        : `the credential plugin ${command} printed a client certificate; only tokens are supported: name the certificate's files in the kubeconfig`,
    );
  }
  const expiresAt = typeof expirationTimestamp === "string" ? Date.parse(expirationTimestamp) : Number.NaN;
  return { token, ...(Number.isNaN(expiresAt) ? {} : { expiresAt }) };
}
