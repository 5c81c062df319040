/**
 * The most of this thread's processor time that one turn of the event loop took, in milliseconds. Unlike a delay it says
 * the same however busy the machine is.
 */
export function watchTurns(): { longest: () => number; stop: () => void } {
  let stopped = false;
  let longest = 0;
  let before = process.threadCpuUsage();
  const turn = (): void => {
    const now = process.threadCpuUsage();
    longest = Math.max(longest, now.user + now.system - before.user - before.system);
    before = now;
    if (!stopped) setImmediate(turn);
  };
  setImmediate(turn);
  return { longest: () => longest / 1000, stop: () => void (stopped = true) };
}
