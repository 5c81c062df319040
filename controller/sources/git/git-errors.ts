/** What git says when it fails, as errors with a remedy. */
import { FlaresmithError } from "../../runtime/errors.ts";
import type { GitResult } from "../../runtime/adapters/run-git.ts";

interface Rule {
  readonly pattern: RegExp;
  error(url: string, line: string): FlaresmithError;
}

const notReadable = (message: string, hint: string, field = "spec.git.url"): FlaresmithError =>
  new FlaresmithError({ code: "SOURCE_NOT_READABLE", field, message, hint });

/** In order: the first that matches says it best. Texts of git 2.31 to 2.50, curl and OpenSSH in the C locale. */
const rules: readonly Rule[] = [
  {
    pattern: /\bssh: (?:command )?not found|cannot run ssh/,
    error: (url) =>
      new FlaresmithError({
        code: "SOURCE_GIT_FAILED",
        class: "terminal",
        message: `git needs the program ssh for ${url}, and there is none`,
        hint: "Install OpenSSH's client where the controller runs, or use an https URL.",
      }),
  },
  {
    pattern: /No user exists for uid/,
    error: (url) =>
      new FlaresmithError({
        code: "SOURCE_GIT_FAILED",
        class: "terminal",
        message: `ssh does not run for ${url}: the controller's user has no name on its machine`,
        hint: "Give the user an entry in /etc/passwd, as the image does, or use an https URL.",
      }),
  },
  {
    pattern: /Host key verification failed|host key is known|REMOTE HOST IDENTIFICATION HAS CHANGED/,
    error: (url) =>
      new FlaresmithError({
        code: "SOURCE_GIT_AUTH_FAILED",
        field: "spec.git.secretRef.name",
        message: `the host of ${url} showed a key that is not in the Secret's knownHosts`,
        hint: "Put the host's key (ssh-keyscan HOST, checked against what the host publishes) under knownHosts.",
      }),
  },
  {
    pattern:
      /Authentication failed|could not read (?:Username|Password)|terminal prompts disabled|Permission denied \((?:publickey|password|keyboard)|Load key .*: |returned error: 40[13]|Access denied|Invalid credentials|Bad credentials/i,
    error: (url) =>
      new FlaresmithError({
        code: "SOURCE_GIT_AUTH_FAILED",
        message: `${url} refuses the credentials, or needs some`,
      }),
  },
  {
    pattern: /redirect|returned error: 30\d/i,
    error: (url) =>
      notReadable(
        `${url} redirects elsewhere, which is not followed`,
        "Write the URL that it redirects to: credentials and requests go only where the Source says.",
      ),
  },
  {
    pattern: /dubious ownership|unsafe repository/,
    error: (url) =>
      notReadable(
        `${url} belongs to another user than the controller's`,
        "Let the controller's user own the repository.",
      ),
  },
  {
    pattern:
      /[Rr]epository.*not found|does not appear to be a git repository|not a git repository|returned error: 404|does not exist|not valid: is this a git repository/,
    error: (url) =>
      notReadable(
        `there is no git repository at ${url}`,
        "Correct the URL. Hosts say the same when the credentials do not see the repository: check spec.git.secretRef too.",
      ),
  },
  {
    pattern: /transport '.*' not allowed/,
    error: (url) => notReadable(`${url} leads to a transport that is not allowed`, "Use https or ssh."),
  },
  {
    pattern: /mismatched algorithms|unknown object format/,
    error: (url) =>
      notReadable(`${url} uses SHA-256 object names`, "Use a repository with SHA-1 object names."),
  },
  {
    pattern: /SSL certificate problem|server certificate verification failed|certificate verify failed/i,
    error: (url, line) =>
      new FlaresmithError({
        code: "SOURCE_GIT_FAILED",
        message: `the certificate of ${url} is not trusted: ${line}`,
        hint: "Name the file of your certificate authority in the controller's environment: GIT_SSL_CAINFO.",
      }),
  },
  {
    pattern: /returned error: \d{3}/,
    error: (url, line) =>
      new FlaresmithError({
        code: "SOURCE_GIT_FAILED",
        message: `the host of ${url} answered with HTTP status ${/error: (\d{3})/.exec(line)?.[1] ?? "5xx"}`,
      }),
  },
  {
    pattern: /Could not resolve host|Temporary failure in name resolution|Name or service not known/,
    error: (url) =>
      new FlaresmithError({ code: "SOURCE_GIT_FAILED", message: `the host of ${url} cannot be resolved` }),
  },
  {
    pattern:
      /Failed to connect|Couldn't connect|Connection (?:refused|timed out|reset|closed)|No route to host|unable to access|Operation timed out/,
    error: (url) =>
      new FlaresmithError({ code: "SOURCE_GIT_FAILED", message: `the host of ${url} does not answer` }),
  },
];

/**
 * The error that a failed run of git stands for.
 *
 * @param options.url without credentials
 * @param options.redact takes secrets out of text
 */
export function gitError(options: {
  command: string;
  url: string;
  result: GitResult;
  redact(text: string): string;
}): FlaresmithError {
  const { command, url, result } = options;
  const lines = result.stderr.split(/[\r\n]+/).filter((line) => line.trim() !== "");
  const telling =
    lines.findLast((line) => /^(?:fatal|error):/.test(line)) ?? lines.at(-1) ?? `exit code ${result.code}`;
  // A host can make git say anything; it would reach the terminal of whoever looks at the Source.
  const plain = telling
    .replace(/^(?:fatal|error): /, "")
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\uFFFD");
  const line = options.redact(plain).slice(0, 500);
  const rule = rules.find(({ pattern }) => pattern.test(result.stderr));
  if (rule !== undefined) return rule.error(url, line);
  return new FlaresmithError({
    code: "SOURCE_GIT_FAILED",
    message: `git ${command} failed for ${url}: ${line}`,
  });
}

/** Whether the clone on disk is at fault, so that a new one may help. */
export function isDamaged(result: GitResult): boolean {
  return /\.lock': File exists|object file .* is empty|loose object .* is corrupt|bad object|missing (?:blob|tree|commit)|not a git repository: |pack.* corrupt|invalid sha1 pointer|shallow file has changed|unable to read tree|packfile .* cannot be accessed/.test(
    result.stderr,
  );
}
