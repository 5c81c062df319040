/** What Linux says about a process: memory and processor time. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Resident memory of a process in MiB (`VmRSS` in proc(5)). @throws Error when it is gone */
export function residentMemory(process: number): number {
  const [, kibibytes = ""] =
    /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${process}/status`, "utf8")) ?? [];
  return Number(kibibytes) / 1024;
}

const TICKS_PER_SECOND = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

/** Processor time that processes took so far, all threads, in milliseconds (`utime` and `stime` in proc(5)). */
export function processorTime(processes: readonly number[]): number {
  let ticks = 0;
  for (const process of processes) {
    // The name, in parentheses, may hold anything; the fields are counted from behind it, where the third is first.
    const fields = readFileSync(`/proc/${process}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return (ticks / TICKS_PER_SECOND) * 1000;
}
