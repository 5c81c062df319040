import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { GitHubFailure } from "./failures.ts";

/**
 * The error of a write that came while GitHub was still generating the repository from its template: first there is no
 * ref (409), then refs are visible but nothing can be built on their objects (422 in two wordings). Undefined for every
 * other failure.
 */
export function generationUnderWay(failure: GitHubFailure, repository: string): FlaresmithError | undefined {
  const { status, message } = failure;
  const early =
    (status === 409 && /empty/i.test(message)) ||
    (status === 422 && /(Tree SHA|Object) does not exist/i.test(message));
  if (!early) return undefined;
  return new FlaresmithError({
    code: "INTEGRATION_BUSY",
    message: `GitHub is still generating the content of ${repository}`,
    context: { provider: "github", repository },
  });
}
