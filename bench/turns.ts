/**
 * The most of this thread's processor time that one turn of the event loop took, in milliseconds. Unlike a delay it says
 * the same however busy the machine is.
 */
export function watchTurns(): { longest: () => number; stop: () => void } {
  let stopped = false;
  let longest = 0;
  let before = process.threadCpuUsage();
  const turn = (): void => {
    // What comes after the end, such as collecting garbage before memory is read, is not of it.
    if (stopped) return;
    const now = process.threadCpuUsage();
    longest = Math.max(longest, now.user + now.system - before.user - before.system);
    before = now;
    setImmediate(turn);
  };
  setImmediate(turn);
  return { longest: () => longest / 1000, stop: () => void (stopped = true) };
}
