// Ends what a test run started when the run itself is gone, however it went: its end of the pipe closes with it.
// Lines on standard input: "+PID" and "-PID" (a process to end, or no longer), "rm PATH" (a folder to remove).

import { rmSync } from "node:fs";
import { createInterface } from "node:readline";

const processes = new Set();
const folders = new Set();

for await (const line of createInterface({ input: process.stdin })) {
  if (line.startsWith("+")) processes.add(Number(line.slice(1)));
  else if (line.startsWith("-")) processes.delete(Number(line.slice(1)));
  else if (line.startsWith("rm ")) folders.add(line.slice(3));
}
for (const id of processes) {
  try {
    process.kill(id, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
