/** One client for both servers: HTTPS with connections that are kept, no cache, and nothing parsed that is not measured. */
import type { ClusterAccess } from "../../controller/store/cluster/access.ts";
import { readLines } from "../../controller/store/cluster/lines.ts";
import {
  clusterTransport,
  type ApiRequest,
  type ApiResponse,
} from "../../controller/store/cluster/transport.ts";
import { projectOf } from "./project.ts";

const ALL = "/apis/flaresmith.dev/v1alpha1/projects";
const COLLECTION = "/apis/flaresmith.dev/v1alpha1/namespaces/default/projects";

export interface Client {
  /** Creates the Project of this number. @throws Error for any answer but 201 */
  create(index: number): Promise<void>;
  /** Changes the labels of the Project of this number. @throws Error for any answer but 200 */
  label(index: number, team: string): Promise<void>;
  /** All Projects in one answer, read to its end. @param resourceVersion undefined: unset @returns its bytes */
  list(resourceVersion?: string): Promise<number>;
  /** Follows Projects from now on; resolves when the server has answered. Lines of events go to `onLine` until `signal` aborts. */
  watch(onLine: (line: string) => void, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Opens no connection until the first request, and then as many as there are requests at once, up to 32. */
export function createClient(access: ClusterAccess): Client {
  const transport = clusterTransport(access);
  const never = new AbortController().signal;
  const send = async (
    method: ApiRequest["method"],
    path: string,
    expected: number,
    options: { body?: string; contentType?: string; signal?: AbortSignal } = {},
  ): Promise<ApiResponse> => {
    const { body, contentType = "application/json", signal = never } = options;
    const answer = await transport.send(
      {
        method,
        url: `${access.server}${path}`,
        headers: {
          accept: "application/json",
          "user-agent": "bench",
          ...(access.token === undefined ? {} : { authorization: `Bearer ${access.token}` }),
          ...(body === undefined ? {} : { "content-type": contentType }),
        },
        ...(body === undefined ? {} : { body }),
      },
      signal,
    );
    if (answer.status !== expected)
      throw new Error(`${method} ${path}: ${answer.status} ${await answer.body.text()}`);
    return answer;
  };
  const lengthOf = async ({ body }: ApiResponse): Promise<number> => {
    let bytes = 0;
    for await (const chunk of body) bytes += chunk.byteLength;
    return bytes;
  };
  return {
    async create(index) {
      await lengthOf(await send("POST", COLLECTION, 201, { body: JSON.stringify(projectOf(index)) }));
    },
    async label(index, team) {
      const { name } = projectOf(index).metadata;
      const body = JSON.stringify({ metadata: { labels: { team } } });
      const contentType = "application/merge-patch+json";
      await lengthOf(await send("PATCH", `${COLLECTION}/${name}`, 200, { body, contentType }));
    },
    async list(resourceVersion) {
      const query = resourceVersion === undefined ? "" : `?resourceVersion=${resourceVersion}`;
      return lengthOf(await send("GET", `${ALL}${query}`, 200));
    },
    async watch(onLine, signal) {
      const page = await send("GET", `${ALL}?limit=1`, 200);
      const { metadata } = JSON.parse(await page.body.text()) as { metadata: { resourceVersion: string } };
      const query = `?watch=true&resourceVersion=${metadata.resourceVersion}`;
      const { body } = await send("GET", `${ALL}${query}`, 200, { signal });
      const follow = async (): Promise<void> => {
        for await (const line of readLines(body)) onLine(line);
      };
      follow().catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    },
    close: () => transport.close(),
  };
}
