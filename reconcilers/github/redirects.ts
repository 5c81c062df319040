import type { Fetch } from "../../controller/runtime/clock.ts";

const MOST_REDIRECTS = 3;

/**
 * Follows redirects as GitHub asks clients to (docs, REST best practices: 301, 302 and 307), with method, body and
 * credentials kept, but never to another origin. A renamed repository answers so. 303 is left alone: GitHub means "it
 * exists already" by it.
 */
export function followRedirects(fetch: Fetch): Fetch {
  return async (input, init) => {
    let url = input instanceof Request ? input.url : String(input);
    let response = await fetch(input, init);
    for (let hop = 0; hop < MOST_REDIRECTS && [301, 302, 307, 308].includes(response.status); hop += 1) {
      const location = response.headers.get("location");
      if (location === null) return response;
      const target = new URL(location, url);
      if (target.origin !== new URL(url).origin) return response;
      url = target.href;
      response = await fetch(url, init);
    }
    return response;
  };
}
