/**
 * Sends webhooks over HTTP, each once and without waiting for the sender.
 * @param log receives one line per webhook that could not be delivered
 */
export function httpDelivery(
  log: (line: string) => void,
): (delivery: { url: string; headers: Record<string, string>; body: string }) => void {
  return ({ url, headers, body }) => {
    const send = async (): Promise<void> => {
      try {
        // GitHub gives a receiver ten seconds.
        const response = await fetch(url, {
          method: "POST",
          headers,
          body,
          redirect: "manual",
          signal: AbortSignal.timeout(10_000),
        });
        await response.body?.cancel();
      } catch (error) {
        log(
          `sandbox: webhook to ${new URL(url).origin} was not delivered: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    };
    void send();
  };
}
