import type { GitHubCredentials } from "./app-token.ts";
import type { GitHubClient } from "./client.ts";

/** Who the credentials stand for; Connections with equal `key` share budget, breaker and listings. */
export interface GitHubIdentity {
  /** `user:<id>` or `installation:<id>`. */
  key: string;
  kind: "user" | "app";
  /** Login of the user, or slug of the App. */
  name: string;
  /** Account whose repositories it acts on by default: the user, or where the App is installed. */
  account: { login: string; type: "User" | "Organization" };
  /**
   * Whether its listings are known to hold all repositories of `account`, so that a repository that is not in them is
   * gone (law 1). Never for fine-grained personal tokens: nothing tells which repositories they were given.
   */
  completeListing: boolean;
  /** When the credential ends, in milliseconds since the epoch; undefined when GitHub does not say. */
  expiresAt?: number;
  /** Scopes of a classic token. */
  scopes?: readonly string[];
  /** Permissions of an installation. */
  permissions?: Readonly<Record<string, string>>;
}

const accountType = (type: string | undefined): "User" | "Organization" =>
  type === "Organization" ? "Organization" : "User";

async function identifyApp(
  client: GitHubClient,
  installationId: number,
  signal: AbortSignal,
): Promise<GitHubIdentity> {
  const { data: app } = await client.call({ what: "reading the GitHub App", signal, as: "app" }, (request) =>
    request("GET /app"),
  );
  const { data } = await client.call(
    { what: `reading installation ${installationId} of the GitHub App`, signal, as: "app" },
    (request) => request("GET /app/installations/{installation_id}", { installation_id: installationId }),
  );
  const { account } = data;
  const login = account && "login" in account ? account.login : "";
  return {
    key: `installation:${installationId}`,
    kind: "app",
    name: app?.slug ?? String(installationId),
    account: { login, type: accountType(account && "type" in account ? account.type : undefined) },
    completeListing: data.repository_selection === "all",
    permissions: data.permissions ?? {},
  };
}

/** `2026-12-31 23:59:59 UTC` of the header in which GitHub tells when a personal token ends. */
function expiryOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const moment = Date.parse(
    text
      .replace(" UTC", "Z")
      .replace(/^(\S+) (?=\d)/, "$1T")
      .replace(/ ([+-]\d{4})$/, "$1"),
  );
  return Number.isNaN(moment) ? undefined : moment;
}

async function identifyUser(client: GitHubClient, signal: AbortSignal): Promise<GitHubIdentity> {
  const { data, headers } = await client.call({ what: "reading the user of the token", signal }, (request) =>
    request("GET /user"),
  );
  const list = headers["x-oauth-scopes"];
  const scopes =
    list === undefined
      ? undefined
      : list
          .split(",")
          .map((scope) => scope.trim())
          .filter((scope) => scope !== "");
  const expiresAt = expiryOf(headers["github-authentication-token-expiration"]);
  return {
    key: `user:${data.id}`,
    kind: "user",
    name: data.login,
    account: { login: data.login, type: accountType(data.type) },
    completeListing: scopes?.includes("repo") === true,
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(scopes === undefined ? {} : { scopes }),
  };
}

/** @throws FlaresmithError INTEGRATION_CREDENTIALS_INVALID for credentials that GitHub refuses */
export function identify(
  client: GitHubClient,
  credentials: GitHubCredentials,
  signal: AbortSignal,
): Promise<GitHubIdentity> {
  return "appId" in credentials
    ? identifyApp(client, Number(credentials.installationId), signal)
    : identifyUser(client, signal);
}
