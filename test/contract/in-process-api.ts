import { createApiServer } from "../../controller/apiserver/api-server.ts";
import type { Fetch } from "../../controller/runtime/clock.ts";
import { builtinTypes, openEmbeddedStore } from "../../controller/store/embedded/index.ts";
import { createTestClock, createTestRandom } from "./test-inputs.ts";
import { widgetDefinition } from "./widget.ts";

/** Where the in-process API is, to those who ask it. */
export const IN_PROCESS_SERVER = "https://127.0.0.1";

/** The HTTP API over a fresh store, as a fetch that needs no port and comes with the right token. */
export async function inProcessApi(): Promise<Fetch> {
  const clock = createTestClock();
  const random = createTestRandom();
  const types = [...builtinTypes, widgetDefinition];
  const store = await openEmbeddedStore({ path: ":memory:", clock, random, types });
  const tokens = [{ token: "t", username: "asker", groups: [] }];
  const app = createApiServer({ store, clock, random, tokens });
  return (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set("authorization", "Bearer t");
    return Promise.resolve(app.request(input instanceof URL ? input.href : input, { ...init, headers }));
  };
}
