/** The webhooks of a repository, as GitHub lists them: none is ever read alone. */
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import { listOrAbsent } from "./listing.ts";
import { splitName } from "./repository-access.ts";
import type { ReadContext } from "./repository-access.ts";

/** What is used of GitHub's representation. */
export interface HookData {
  id: number | bigint;
  created_at?: string | null;
  active: boolean;
  events: string[];
  config: { url?: string; content_type?: string; insecure_ssl?: string | number; secret?: string };
}

/** @throws FlaresmithError INTEGRATION_PERMISSION_MISSING where hooks answer 404 in a repository that is visible */
export async function listHooks(context: ReadContext, repository: string): Promise<HookData[]> {
  const found = await listOrAbsent(
    context,
    { what: `listing the webhooks of ${repository}`, repository },
    (request, page) =>
      request("GET /repos/{owner}/{repo}/hooks", { ...splitName(repository), per_page: 100, page }),
    (data) => data as readonly HookData[],
  );
  if (found) return found;
  throw new FlaresmithError({
    code: "INTEGRATION_PERMISSION_MISSING",
    message: `GitHub hides the webhooks of ${repository} from the credentials`,
    hint: "Grant the credentials of the Connection the permission repository_hooks: write (classic tokens: the scope admin:repo_hook).",
    context: { provider: "github" },
  });
}
