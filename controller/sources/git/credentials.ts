/** Credentials for one run of git. They stand in its environment or in private files, never in its arguments. */
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FlaresmithError } from "../../runtime/errors.ts";
import type { GitUrl } from "./git-url.ts";

/** Decoded data of a Secret: `token` and optionally `username`, or `sshPrivateKey` and `knownHosts`. */
export type SecretData = Readonly<Record<string, string>>;

export interface PreparedCredentials {
  /** Git configuration, as pairs. */
  readonly config: readonly (readonly [string, string])[];
  readonly env: Readonly<Record<string, string>>;
  /** Removes what was written. */
  dispose(): Promise<void>;
}

const nothing: PreparedCredentials = { config: [], env: {}, dispose: async () => {} };

/**
 * Prepares credentials for a URL.
 *
 * @param options.directory a private directory that may be created and removed
 * @param options.secretName for errors
 * @throws FlaresmithError SPEC_SECRET_KEY_MISSING
 */
export async function prepareCredentials(options: {
  url: GitUrl;
  secret: SecretData | undefined;
  secretName: string;
  directory: string;
  /** Told every form in which the Secret is sent. */
  registerSecret(value: string): void;
}): Promise<PreparedCredentials> {
  const { url, secret, secretName, directory } = options;
  if (url.protocol === "file") return nothing;
  if (url.protocol === "https") {
    if (secret === undefined) return nothing;
    const token = required(secret, "token", secretName, "https");
    // GitHub's name for tokens; others accept any name or get theirs from the Secret.
    const username = secret["username"] ?? "x-access-token";
    const basic = Buffer.from(`${username}:${token.trim()}`).toString("base64");
    // Not the base64 of the token alone: where that begins depends on the name before it.
    options.registerSecret(basic);
    return {
      ...nothing,
      config: [[`http.${url.origin ?? ""}/.extraHeader`, `Authorization: Basic ${basic}`]],
    };
  }
  const key = required(secret ?? {}, "sshPrivateKey", secretName, "ssh");
  const hosts = required(secret ?? {}, "knownHosts", secretName, "ssh");
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const keyFile = join(directory, "key");
  const hostsFile = join(directory, "known_hosts");
  // ssh refuses keys without a line end, and keys that others may read.
  await writeFile(keyFile, `${key.trimEnd()}\n`, { mode: 0o600, flag: "wx" });
  await writeFile(hostsFile, `${hosts.trimEnd()}\n`, { mode: 0o600, flag: "wx" });
  return {
    config: [],
    env: { GIT_SSH_COMMAND: sshCommand(keyFile, hostsFile), GIT_SSH_VARIANT: "ssh" },
    dispose: () => rm(directory, { recursive: true, force: true }),
  };
}

function required(secret: SecretData, key: string, name: string, protocol: string): string {
  const value = secret[key];
  if (value !== undefined && value !== "") return value;
  if (name === "") {
    throw new FlaresmithError({
      code: "SPEC_SECRET_MISSING",
      field: "spec.git.secretRef",
      message: `a repository reached by ${protocol} needs credentials`,
      hint: "Name a Secret with the keys sshPrivateKey and knownHosts in spec.git.secretRef.",
    });
  }
  throw new FlaresmithError({
    code: "SPEC_SECRET_KEY_MISSING",
    field: "spec.git.secretRef.name",
    message: `the Secret ${name} has no key ${key}, which ${protocol} needs`,
    hint:
      protocol === "https"
        ? "Add the key token to the Secret."
        : "Add the keys sshPrivateKey and knownHosts (the output of ssh-keyscan HOST, checked) to the Secret.",
  });
}

function sshCommand(keyFile: string, hostsFile: string): string {
  const options = {
    IdentitiesOnly: "yes",
    IdentityAgent: "none",
    BatchMode: "yes",
    StrictHostKeyChecking: "yes",
    UserKnownHostsFile: hostsFile,
    GlobalKnownHostsFile: "/dev/null",
    PreferredAuthentications: "publickey",
    ForwardAgent: "no",
    ClearAllForwardings: "yes",
    PermitLocalCommand: "no",
    ConnectTimeout: "20",
    ServerAliveInterval: "15",
  };
  const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
  const flags = Object.entries(options).map(([name, value]) => `-o ${quote(`${name}=${value}`)}`);
  // The user's and the system's configuration may run commands of its own (ProxyCommand).
  return `ssh -F /dev/null -i ${quote(keyFile)} ${flags.join(" ")}`;
}
