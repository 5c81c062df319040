/**
 * Keeps the process alive until the returned function is called: the clock's timers do not, and a command may wait for
 * nothing but one of them.
 */
export function keepAlive(): () => void {
  const timer = setInterval(() => undefined, 2 ** 30);
  return () => clearInterval(timer);
}
