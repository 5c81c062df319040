/**
 * From a Connection object to something that can be talked to. Clients live as long as the credentials they were made
 * with; breaker and budget belong to the identity that the provider reports, so that two Connections of one identity do
 * not spend twice. What was observed is shared by Connections of one identity and one credential only: another token of
 * the same user may see less, and its listings would prove the absence of what it cannot see (law 1).
 */
import { isDeepStrictEqual } from "node:util";
import type { ConnectionSpec } from "../crds/connection.ts";
import type { Clock, Fetch } from "../controller/runtime/clock.ts";
import type { ProviderTime } from "../controller/runtime/provider-time.ts";
import { FlaresmithError } from "../controller/runtime/errors.ts";
import { hashOf } from "../controller/runtime/hash.ts";
import type { ConnectionHandle } from "./engine/graph.ts";
import { createObservationSource } from "./engine/observation-source.ts";
import type { ObservationSource } from "./engine/observation-source.ts";
import { toFlaresmithError } from "./engine/pass.ts";
import { witnessKey } from "./engine/witness.ts";
import type { ConnectionObject, ObjectReader } from "./objects.ts";
import { connectionType } from "./objects.ts";

/** Who a provider says that credentials are. */
interface Identity {
  /** Equal for equal identities, unique within provider and endpoint. */
  key: string;
  /** For people. */
  name: string;
  /** The account things are created in when the Connection names none; undefined when there are several. */
  account: string | undefined;
}

/** A provider as one set of credentials sees it. */
interface OpenedProvider {
  client: unknown;
  identity(signal: AbortSignal): Promise<Identity>;
  /** The one of the credentials that nobody guesses. */
  credential: string;
}

/** Opens one provider's client; one for each provider in `providers.ts`. */
export interface ProviderOpener {
  /** Name that definitions use, e.g. `github`. */
  provider: string;
  /**
   * @param fetch the transport to send through
   * @throws FlaresmithError SPEC_SECRET_KEY_MISSING when the Secret lacks what the provider needs
   */
  open(options: {
    spec: ConnectionSpec;
    credentials: Readonly<Record<string, string>>;
    secretName: string;
    fetch: Fetch;
    clock: Clock;
    time: ProviderTime;
  }): Promise<OpenedProvider>;
}

/** How one Connection sends; breaker, gate and budget belong to the identity behind it and are shared with its others. */
export interface ConnectionTransport {
  fetch: Fetch;
  /** For the Connection's status: changes of state only. */
  breaker(): "Closed" | "Open";
  /** Wall clock milliseconds until which the provider asked for no more calls. */
  throttledUntil(): number | undefined;
  /** The Connection is gone or has another identity: what it asked of this one no longer counts. */
  release(): void;
}

export interface ResolvedConnection {
  handle: ConnectionHandle;
  identity: Identity;
  transport: ConnectionTransport;
  /**
   * Asks the provider again whose the credentials are, once a call was answered 401 or an hour has passed: they may have
   * been revoked. @throws FlaresmithError
   */
  verify: (signal: AbortSignal) => Promise<void>;
}

export interface ConnectionRegistry {
  /**
   * The Connection that an object in `namespace` refers to.
   * @returns an error instead of throwing, because it concerns only what needs this Connection (law 7)
   */
  resolve(
    reference: { name: string; namespace?: string | undefined },
    namespace: string,
    provider: ConnectionSpec["provider"],
    field: string,
    signal: AbortSignal,
  ): Promise<ResolvedConnection | FlaresmithError>;
  /** The Connection by `<namespace>/<name>`, on the way out of an object in `namespace`. @throws FlaresmithError */
  byKey(key: string, namespace: string, signal: AbortSignal): Promise<ResolvedConnection>;
  /** Checks credentials of a Connection itself. @throws FlaresmithError */
  open(connection: ConnectionObject, signal: AbortSignal): Promise<ResolvedConnection>;
  /** The same, but asks the provider also where its answer is known: somebody wants it looked at. @throws FlaresmithError */
  openAnew(connection: ConnectionObject, signal: AbortSignal): Promise<ResolvedConnection>;
  /** The data of a Connection's Secret, which also holds webhook secrets; undefined when either is missing. */
  credentials(
    key: { namespace: string; name: string },
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, string>> | undefined>;
  /** Drops what was opened for a Connection that is gone. */
  forget(key: string): void;
}

/** The handle of a resolved Connection with the client type of its provider, which `resolve` has checked. */
export function connected<Client>(
  resolved: ResolvedConnection | FlaresmithError,
): ConnectionHandle<Client> | FlaresmithError {
  return resolved instanceof FlaresmithError ? resolved : (resolved.handle as ConnectionHandle<Client>);
}

interface Opened {
  madeOf: { spec: ConnectionSpec; credentials: Readonly<Record<string, string>> };
  /** Who may read what it observed: identity and credentials. Known once it is resolved. */
  reader?: string;
  resolved: Promise<ResolvedConnection>;
  /** Monotonic milliseconds of a refusal; asking the provider again before RETRY would only repeat it. */
  failedAt?: number;
}

/** Milliseconds for which refused credentials are not tried again unless they changed. */
const RETRY = 60_000;
/** Milliseconds after which credentials that nobody refused are checked again. */
const VERIFY = 3_600_000;

/** Secrets that `flaresmith up` makes of environment variables, by the variable that is missing then. */
const fromEnvironment: Readonly<Record<string, string>> = {
  "env-github": "GITHUB_TOKEN",
  "env-neon": "NEON_API_KEY",
  "env-cloudflare": "CLOUDFLARE_API_TOKEN",
};

function missingSecretHint(name: string, namespace: string): string {
  const variable = fromEnvironment[name];
  const start =
    variable === undefined
      ? ""
      : `Start flaresmith with ${variable} set (up and diff read it), or create it: `;
  return `${start === "" ? "Create it: " : start}kubectl create secret generic ${name} -n ${namespace} --from-literal=...`;
}

/** What a person must mend, with the names of the Connection and the Secret: other objects carry the message too. */
function ofConnection(thrown: unknown, key: string, secret: string): unknown {
  const error = toFlaresmithError(thrown);
  if (error.class !== "auth" && error.class !== "terminal") return thrown;
  if (error.message.includes(`Connection ${key}`)) return thrown;
  return new FlaresmithError({
    code: error.code,
    class: error.class,
    message: `Connection ${key}: ${error.message}`,
    hint: error.hint.replace(
      "the Secret that the Connection's credentials.secretRef names",
      `the Secret ${secret}`,
    ),
    context: error.context,
    cause: thrown,
    ...(error.field === undefined ? {} : { field: error.field }),
  });
}

export function createConnectionRegistry(options: {
  reader: ObjectReader;
  openers: Readonly<Record<ConnectionSpec["provider"], ProviderOpener>>;
  /** Makes a Connection's transport to an identity; without identity, the plain one that finds the identity out. */
  transport(options: {
    provider: string;
    connection: string;
    spec: ConnectionSpec;
    identity: string | undefined;
  }): ConnectionTransport;
  /** Told every credential before it is used, for redaction. */
  secret(value: string): void;
  clock: Clock;
  time: ProviderTime;
}): ConnectionRegistry {
  const { clock, openers, reader, time } = options;
  const opened = new Map<string, Opened>();
  /** What each Connection sends through. */
  const transports = new Map<string, { identity: string; transport: ConnectionTransport }>();
  const letGo = (key: string): void => {
    transports.get(key)?.transport.release();
    transports.delete(key);
  };
  const sources = new Map<string, ObservationSource>();
  /** What was observed with credentials that no Connection has any more is dropped. */
  const dropUnread = (): void => {
    const read = new Set([...opened.values()].map((entry) => entry.reader));
    const settled = [...opened.values()].every(
      (entry) => entry.reader !== undefined || entry.failedAt !== undefined,
    );
    for (const key of settled ? [...sources.keys()] : []) if (!read.has(key)) sources.delete(key);
  };

  const connect = async (
    connection: ConnectionObject,
    credentials: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<ResolvedConnection & { reader: string }> => {
    const { spec } = connection;
    const opener = openers[spec.provider];
    const key = `${connection.metadata.namespace ?? ""}/${connection.metadata.name}`;
    const naming = { provider: opener.provider, connection: key, spec };
    const common = { spec, credentials, secretName: spec.credentials.secretRef.name, clock, time };
    const probe = options.transport({ ...naming, identity: undefined });
    const ask = async (): Promise<Identity> => {
      const first = await opener.open({ ...common, fetch: probe.fetch });
      return first.identity(signal);
    };
    const identity = await ask().finally(() => probe.release());
    const identityKey = `${opener.provider}|${spec.endpoint ?? ""}|${identity.key}`;
    if (transports.get(key)?.identity !== identityKey) letGo(key);
    // Anew each time: what the spec says of the budget may be what changed.
    const transport = options.transport({ ...naming, identity: identityKey });
    transports.set(key, { identity: identityKey, transport });
    const readerKey = `${identityKey}|${hashOf(credentials)}`;
    const source = sources.get(readerKey) ?? createObservationSource(clock);
    sources.set(readerKey, source);
    const account = spec.account ?? identity.account;
    if (account === undefined) {
      throw new FlaresmithError({
        code: "SPEC_INVALID",
        message: `Connection ${key}: the credentials belong to several accounts`,
        field: "spec.account",
        hint: "Set spec.account to the one that things are created in.",
      });
    }
    const verdict = { doubted: false, at: clock.monotonic() };
    const listening: Fetch = async (input, init) => {
      const response = await transport.fetch(input, init);
      if (response.status === 401) verdict.doubted = true;
      return response;
    };
    const second = await opener.open({ ...common, fetch: listening });
    const verify = async (later: AbortSignal): Promise<void> => {
      if (!verdict.doubted && clock.monotonic() - verdict.at < VERIFY) return;
      await second.identity(later);
      verdict.doubted = false;
      verdict.at = clock.monotonic();
    };
    return {
      handle: {
        key,
        provider: opener.provider,
        account,
        client: second.client,
        source,
        witnessKey: witnessKey(second.credential),
      },
      identity,
      transport,
      verify,
      reader: readerKey,
    };
  };

  const open = async (
    connection: ConnectionObject,
    { anew }: { anew: boolean },
    signal: AbortSignal,
  ): Promise<ResolvedConnection> => {
    const namespace = connection.metadata.namespace ?? "";
    const key = `${namespace}/${connection.metadata.name}`;
    const { name } = connection.spec.credentials.secretRef;
    const credentials = await reader.secret({ namespace, name }, signal);
    if (!credentials) {
      throw new FlaresmithError({
        code: "SPEC_SECRET_MISSING",
        message: `Connection ${key}: Secret ${name} does not exist in namespace ${namespace}`,
        field: "spec.credentials.secretRef.name",
        hint: missingSecretHint(name, namespace),
      });
    }
    for (const value of Object.values(credentials)) options.secret(value);
    const madeOf = { spec: connection.spec, credentials };
    const known = opened.get(key);
    const stale = known?.failedAt !== undefined && clock.monotonic() - known.failedAt >= RETRY;
    const fits = known !== undefined && isDeepStrictEqual(known.madeOf, madeOf);
    if (fits && !stale && !anew) return known.resolved;
    const resolving = connect(connection, credentials, signal).catch((thrown: unknown): never => {
      throw ofConnection(thrown, key, name);
    });
    const entry: Opened = { madeOf, resolved: resolving };
    opened.set(key, entry);
    try {
      const resolved = await resolving;
      entry.reader = resolved.reader;
      dropUnread();
      return resolved;
    } catch (thrown) {
      const error = toFlaresmithError(thrown);
      // Refused credentials stay refused until they change; what was only unlucky is tried again at once.
      if (error.class === "auth" || error.class === "terminal") entry.failedAt = clock.monotonic();
      else if (opened.get(key) === entry) {
        // A provider that does not answer says nothing against what it accepted before.
        if (fits && known.reader !== undefined) opened.set(key, known);
        else opened.delete(key);
      }
      throw error;
    }
  };

  const find = (key: { namespace: string; name: string }, user: string, field: string): ConnectionObject => {
    const connection = reader.get<ConnectionObject>(connectionType, key);
    const where = `Connection ${key.name} in namespace ${key.namespace}`;
    if (!connection) {
      throw new FlaresmithError({
        code: "SPEC_REFERENCE_MISSING",
        message: `${where} does not exist`,
        field,
        hint: "Create the Connection, or correct the name.",
      });
    }
    const allowed = connection.spec.allowedNamespaces ?? [];
    if (key.namespace !== user && !allowed.includes(user) && !allowed.includes("*")) {
      throw new FlaresmithError({
        code: "SPEC_REFERENCE_FORBIDDEN",
        message: `${where} does not allow namespace ${user}`,
        field,
        hint: `Add ${user} to spec.allowedNamespaces of the Connection.`,
      });
    }
    return connection;
  };

  return {
    open: (connection, signal) => open(connection, { anew: false }, signal),
    openAnew: (connection, signal) => open(connection, { anew: true }, signal),
    forget: (key) => {
      opened.delete(key);
      letGo(key);
    },
    credentials: async (key, signal) => {
      const connection = reader.get<ConnectionObject>(connectionType, key);
      if (!connection) return undefined;
      const name = connection.spec.credentials.secretRef.name;
      const data = await reader.secret({ namespace: key.namespace, name }, signal);
      for (const value of Object.values(data ?? {})) options.secret(value);
      return data;
    },
    resolve: async (reference, namespace, provider, field, signal) => {
      try {
        const key = { namespace: reference.namespace ?? namespace, name: reference.name };
        const connection = find(key, namespace, field);
        if (connection.spec.provider !== provider) {
          return new FlaresmithError({
            code: "SPEC_INVALID",
            message: `Connection ${key.name} is for ${connection.spec.provider}, not for ${provider}`,
            field,
            hint: `Name a Connection with provider: ${provider}.`,
          });
        }
        return await open(connection, { anew: false }, signal);
      } catch (error) {
        signal.throwIfAborted();
        return toFlaresmithError(error);
      }
    },
    byKey: (key, namespace, signal) => {
      const [connectionNamespace = "", name = ""] = key.split("/");
      const connection = find({ namespace: connectionNamespace, name }, namespace, "spec");
      return open(connection, { anew: false }, signal);
    },
  };
}
