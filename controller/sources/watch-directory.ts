/** Hears that something below a directory changed. Only a hint: what changed is found out by listing. */
import type { Clock, Timer } from "../runtime/clock.ts";
import { isIgnoredName } from "./read/read-file.ts";

/** Starts watching; `changed` is called some time after the last of several changes. */
export type WatchDirectory = (root: string, changed: () => void) => { close(): void };

/** Editors and git write several files in one go; this long after the last, one listing serves all. Milliseconds. */
const QUIET = 150;
/** A directory that never falls quiet is listed this often all the same. Milliseconds. */
const PATIENCE = 2000;

/**
 * Watches with chokidar, which is loaded when the first directory is watched. Where watching fails, the interval of the
 * Source still finds every change.
 *
 * @param options.failed hears why a directory is not watched
 */
export function chokidarWatch(options: {
  clock: Clock;
  failed(root: string, error: unknown): void;
}): WatchDirectory {
  return (root, changed) => {
    const debounced = debounce(options.clock, changed);
    let closed = false;
    let close = (): void => {};
    const start = async (): Promise<void> => {
      const { watch } = await import("chokidar");
      if (closed) return;
      const watcher = watch(root, {
        ignoreInitial: true,
        followSymlinks: false,
        persistent: false,
        ignored: (path) => path !== root && path.slice(root.length).split("/").some(isIgnoredName),
      });
      watcher.on("all", () => debounced.call());
      watcher.on("error", (error) => options.failed(root, error));
      close = () => void watcher.close();
    };
    start().catch((error: unknown) => options.failed(root, error));
    return {
      close: () => {
        closed = true;
        debounced.cancel();
        close();
      },
    };
  };
}

function debounce(clock: Clock, run: () => void): { call(): void; cancel(): void } {
  let timer: Timer | undefined;
  let first = 0;
  return {
    call: () => {
      const now = clock.monotonic();
      if (timer === undefined) first = now;
      else timer.cancel();
      const wait = Math.max(0, Math.min(QUIET, first + PATIENCE - now));
      timer = clock.setTimer(wait, () => {
        timer = undefined;
        run();
      });
    },
    cancel: () => timer?.cancel(),
  };
}
