import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { preparePlace } from "./postgres-place.ts";
import type { Account, Place } from "./postgres-place.ts";

/** A Postgres server of our own, reached over a Unix socket only. */
export interface PostgresServer {
  /** Directory of the socket, as libpq's `host`. */
  socketDirectory: string;
  /** The socket itself. */
  socketPath: string;
  /** The superuser; the socket is its password. */
  user: string;
  /** Shuts the server down, connections included. */
  stop: () => Promise<void>;
}

const superuser = "cloud_admin";

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

async function run(place: Place, command: string, parameters: readonly string[]): Promise<void> {
  const child = spawn(join(place.native, "bin", command), parameters, {
    env: place.environment,
    stdio: ["ignore", "pipe", "pipe"],
    cwd: "/",
    ...place.account,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (output += chunk.toString("utf8")));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code !== 0)
    throw new Error(
      `${command} failed with exit code ${code}: ${output.trim().split("\n").slice(-5).join("; ")}`,
    );
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Whether the process is a Postgres on this data directory, not a stranger that got the number of a dead one. */
function servesData(pid: number, data: string): boolean {
  try {
    if (existsSync("/proc/self")) return readlinkSync(`/proc/${pid}/cwd`) === data;
    return execFileSync("ps", ["-p", String(pid), "-o", "command="], { encoding: "utf8" }).includes(data);
  } catch {
    return false;
  }
}

async function stopProcess(pid: number): Promise<void> {
  for (const [signal, patience] of [
    ["SIGINT", 10_000],
    ["SIGQUIT", 5_000],
    ["SIGKILL", 5_000],
  ] as const) {
    if (!alive(pid)) return;
    process.kill(pid, signal);
    for (let waited = 0; waited < patience && alive(pid); waited += 25) await sleep(25);
  }
  if (alive(pid)) throw new Error(`Postgres (process ${pid}) does not stop: end it by hand`);
}

/** Ends the server that an earlier, killed sandbox left behind: there are never two on one data directory. */
async function stopOrphan(data: string): Promise<void> {
  const pidFile = join(data, "postmaster.pid");
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, "utf8").split("\n")[0]);
  if (Number.isInteger(pid) && pid > 1 && alive(pid) && servesData(pid, data)) await stopProcess(pid);
  else rmSync(pidFile, { force: true });
}

function socketDirectoryFor(home: string, account: Account | undefined): string {
  // Socket paths are limited to about 100 bytes, so they cannot lie in the data directory.
  const path = join(
    tmpdir(),
    `flaresmith-pg-${createHash("sha256").update(home).digest("hex").slice(0, 12)}`,
  );
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const owner = account?.uid ?? process.getuid?.();
  if (account) chownSync(path, account.uid, account.gid);
  const found = lstatSync(path);
  if (!found.isDirectory() || (owner !== undefined && found.uid !== owner)) {
    throw new Error(
      `${path} belongs to somebody else: remove it, it is where the local Postgres keeps its socket`,
    );
  }
  chmodSync(path, 0o700);
  return path;
}

/**
 * Whether the server takes connections: after a crash its socket is open long before recovery is done. Postgres writes
 * that into the eighth line of `postmaster.pid`, where `pg_ctl --wait` looks too
 * (https://github.com/postgres/postgres/blob/REL_18_STABLE/src/include/utils/pidfile.h).
 */
function isReady(data: string, pid: number | undefined): boolean {
  const pidFile = join(data, "postmaster.pid");
  if (!existsSync(pidFile)) return false;
  const lines = readFileSync(pidFile, "utf8").split("\n");
  return Number(lines[0]) === pid && lines[7]?.trim() === "ready";
}

const settings = [
  "listen_addresses=",
  "max_connections=300",
  "shared_buffers=32MB",
  "wal_level=minimal",
  "max_wal_senders=0",
  // What a power cut would lose here can be made again; a killed process loses nothing.
  "fsync=off",
  "synchronous_commit=off",
  "full_page_writes=off",
  "jit=off",
  "log_checkpoints=off",
  "unix_socket_permissions=0700",
];

/**
 * Starts Postgres 18 on `directory`, making its data directory the first time. A server that a killed process left
 * running there is stopped first.
 * @throws Error when the binaries are missing or the server does not start, with the end of its log
 */
export async function startPostgres(options: {
  directory: string;
  log?: (line: string) => void;
}): Promise<PostgresServer> {
  const place = preparePlace(options.directory);
  const { home, account } = place;
  const data = join(home, "data");
  await stopOrphan(data);
  if (!existsSync(join(data, "PG_VERSION"))) {
    const fresh = join(home, "data.new");
    rmSync(fresh, { recursive: true, force: true });
    mkdirSync(fresh, { mode: 0o700 });
    if (account) chownSync(fresh, account.uid, account.gid);
    options.log?.("sandbox: making the Postgres data directory");
    await run(place, "initdb", [
      "-D",
      fresh,
      `--username=${superuser}`,
      "--auth=trust",
      "--no-sync",
      "--encoding=UTF8",
      "--locale=C.UTF-8",
    ]);
    rmSync(data, { recursive: true, force: true });
    renameSync(fresh, data);
  }
  const socketDirectory = socketDirectoryFor(home, account);
  const socketPath = join(socketDirectory, ".s.PGSQL.5432");
  const logPath = join(home, "postgres.log");
  const logFile = openSync(logPath, "w", 0o600);
  // Its own process group: Ctrl-C in a terminal must reach us first. Its log is a file: it may outlive us.
  const child = spawn(
    join(place.native, "bin", "postgres"),
    [
      "-D",
      data,
      "-p",
      "5432",
      "-c",
      `unix_socket_directories=${socketDirectory}`,
      ...settings.flatMap((setting) => ["-c", setting]),
    ],
    { env: place.environment, stdio: ["ignore", logFile, logFile], detached: true, cwd: "/", ...account },
  );
  closeSync(logFile);
  child.unref();
  let exited: string | undefined;
  child.once("error", (error) => (exited = error.message));
  child.once("exit", (code, signal) => (exited = `exit ${code ?? signal ?? ""}`));
  const stopWithUs = (): void => {
    if (exited === undefined) child.kill("SIGINT");
  };
  process.once("exit", stopWithUs);
  for (let waited = 0; !isReady(data, child.pid); waited += 25) {
    if (exited !== undefined || waited > 30_000) {
      stopWithUs();
      throw new Error(
        `the local Postgres did not start (${exited ?? "no answer for 30 s"}): ${readFileSync(logPath, "utf8").trim().split("\n").slice(-5).join("; ")}`,
      );
    }
    await sleep(25);
  }
  return {
    socketDirectory,
    socketPath,
    user: superuser,
    stop: async () => {
      process.off("exit", stopWithUs);
      if (child.pid !== undefined && exited === undefined) await stopProcess(child.pid);
      rmSync(socketDirectory, { recursive: true, force: true });
    },
  };
}
