/** The plainest possible client of the Kubernetes API, so that what is seen is the server's answer and nobody else's. */
import type { Fetch } from "../../controller/runtime/clock.ts";

interface RawAnswer {
  code: number;
  body: Record<string, unknown>;
  /** The Warning headers, joined. */
  warnings: string;
}

export type KubeApi = (
  method: string,
  path: string,
  body?: string,
  contentType?: string,
) => Promise<RawAnswer>;

/** @param fetch proves who asks @param server URL of the API server */
export function kubeApi(fetch: Fetch, server: string): KubeApi {
  return async (method, path, body, contentType = "application/json") => {
    const response = await fetch(`${server}${path}`, {
      method,
      ...(body === undefined ? {} : { body, headers: { "content-type": contentType } }),
    });
    return {
      code: response.status,
      body: (await response.json()) as Record<string, unknown>,
      warnings: response.headers.get("warning") ?? "",
    };
  };
}
