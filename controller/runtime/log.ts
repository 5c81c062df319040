/** pino as JSON lines whose time comes from the injected clock and whose text passes through the secret registry. */
import { pino } from "pino";
import type { Clock } from "./clock.ts";
import { FlaresmithError, errorCodes, publicCode } from "./errors.ts";
import type { SecretRegistry } from "./secret-registry.ts";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** Structured facts of one line. An `error` member is written with its code, severity, hint and causes. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds these facts to every line. */
  child(fields: LogFields): Logger;
}

/** Where lines go: standard output in the process, an array in tests. Each line ends with a newline. */
export interface LogDestination {
  write(line: string): void;
}

/** @param options.level lines below are not made. Default `info` */
export function createLogger(options: {
  clock: Clock;
  secrets: SecretRegistry;
  destination: LogDestination;
  level?: LogLevel | undefined;
}): Logger {
  const { clock, secrets, destination } = options;
  const root = pino(
    {
      level: options.level ?? "info",
      base: null,
      messageKey: "message",
      timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`,
      formatters: {
        level: (level) => ({ level }),
        log: (fields) => secrets.redactValue(fields) as Record<string, unknown>,
        bindings: (fields) => secrets.redactValue(fields) as Record<string, unknown>,
      },
    },
    { write: (line: string) => destination.write(secrets.redact(line)) },
  );
  return wrap(root);
}

function wrap(target: pino.Logger): Logger {
  return {
    debug: (message, fields) => target.debug(prepared(fields), message),
    info: (message, fields) => target.info(prepared(fields), message),
    warn: (message, fields) => target.warn(prepared(fields), message),
    error: (message, fields) => target.error(prepared(fields), message),
    child: (fields) => wrap(target.child({ ...fields })),
  };
}

function prepared(fields: LogFields | undefined): Record<string, unknown> {
  if (fields === undefined) return {};
  return "error" in fields ? { ...fields, error: describeError(fields["error"]) } : { ...fields };
}

/** What a log line says about an error: message, code and causes; a stack only for what is no error of ours. */
function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return error;
  const cause =
    error.cause === undefined || depth >= 4 ? {} : { cause: describeError(error.cause, depth + 1) };
  if (!(error instanceof FlaresmithError)) {
    return {
      name: error.name,
      message: error.message,
      ...(depth === 0 ? { stack: error.stack } : {}),
      ...cause,
    };
  }
  return {
    code: publicCode(error),
    class: error.class,
    severity: errorCodes[error.code].severity,
    message: error.message,
    hint: error.hint,
    ...(error.field === undefined ? {} : { field: error.field }),
    ...(Object.keys(error.context).length === 0 ? {} : { context: error.context }),
    ...cause,
  };
}
