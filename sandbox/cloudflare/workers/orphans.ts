import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { platform } from "node:process";

/** Environment variable that marks a workerd as belonging to a data directory. */
export const ownerVariable = "FLARESMITH_WORKERS_DIRECTORY";

interface Process {
  pid: number;
  parent: number;
  /** Command line and environment, as far as this user may see them. */
  text: string;
}

function readLinux(): Process[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, "utf8");
        if (!command.includes("workerd")) return [];
        const environment = readFileSync(`/proc/${name}/environ`, "utf8");
        const parent = /^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${name}/status`, "utf8"))?.[1];
        const text = `${command}\0${environment}\0`.replaceAll("\0", "\n");
        return [{ pid: Number(name), parent: Number(parent), text }];
      } catch {
        // The process ended meanwhile, or belongs to another user.
        return [];
      }
    });
}

function readOthers(): Process[] {
  const output = execFileSync("ps", ["-A", "-E", "-ww", "-o", "pid=,ppid=,command="], { encoding: "utf8" });
  return output.split("\n").flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(.*workerd.*)$/.exec(line);
    return match
      ? [{ pid: Number(match[1]), parent: Number(match[2]), text: `${match[3]} `.replaceAll(" ", "\n") }]
      : [];
  });
}

/**
 * Ends every workerd that an earlier process left behind over the same directory: workerd outlives a parent that is
 * killed with SIGKILL, and would keep the directory's databases open.
 * @param directory the data directory that the workerd was started for
 * @returns the ids of the ended processes
 */
export function endOrphans(directory: string): number[] {
  if (platform === "win32") return [];
  const processes = platform === "linux" ? readLinux() : readOthers();
  const orphans = processes.filter(
    ({ parent, text }) => parent !== process.pid && text.includes(`\n${ownerVariable}=${directory}\n`),
  );
  return orphans.flatMap(({ pid }) => {
    try {
      process.kill(pid, "SIGKILL");
      return [pid];
    } catch {
      return [];
    }
  });
}
