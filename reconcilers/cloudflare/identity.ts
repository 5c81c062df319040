/** Whom a token stands for: Connections that share an identity share budget, breaker and listings. */
import { z } from "zod";
import { FlaresmithError, isFlaresmithError } from "../../controller/runtime/errors.ts";
import type { CloudflareClient } from "./client.ts";
import { readPages } from "./paging.ts";

export interface CloudflareIdentity {
  /** Id of the token, stable and no secret. */
  tokenId: string;
  status: string;
  /** Accounts that the token reaches, by id. */
  accounts: readonly { id: string; name: string }[];
}

const token = z.looseObject({ id: z.string(), status: z.string() });
const account = z.looseObject({ id: z.string(), name: z.string() });

/**
 * @throws FlaresmithError INTEGRATION_CREDENTIALS_INVALID for a token that is unknown, disabled or expired,
 *   INTEGRATION_PERMISSION_MISSING when it does not reach the Connection's account
 */
export async function identify(
  client: Pick<CloudflareClient, "call" | "accountId">,
  signal: AbortSignal,
): Promise<CloudflareIdentity> {
  const verified = await verify(client, signal);
  if (verified.status !== "active") {
    throw new FlaresmithError({
      code: "INTEGRATION_CREDENTIALS_INVALID",
      message: `verifying the API token: Cloudflare says that the token is ${verified.status}`,
      context: { provider: "cloudflare" },
    });
  }
  const accounts = await reachable(client, signal);
  if (client.accountId === undefined) return { tokenId: verified.id, status: verified.status, accounts };
  // A token that may not read account settings lists none; whether it reaches the account then shows at the first call.
  const listed = accounts.length === 0 ? [{ id: client.accountId, name: "" }] : accounts;
  if (!listed.some((reached) => reached.id === client.accountId)) {
    throw new FlaresmithError({
      code: "INTEGRATION_PERMISSION_MISSING",
      message: `the API token does not reach the account ${client.accountId}`,
      hint: "Set spec.account of the Connection to an account that the token reaches, or use a token of that account.",
      context: { provider: "cloudflare" },
    });
  }
  return { tokenId: verified.id, status: verified.status, accounts: listed };
}

async function reachable(
  client: Pick<CloudflareClient, "call" | "accountId">,
  signal: AbortSignal,
): Promise<{ id: string; name: string }[]> {
  try {
    const accounts = await readPages(client, {
      path: "/accounts",
      perPage: 50,
      item: account,
      purpose: { what: "listing the accounts of the API token", permission: "Account Settings: Read" },
      signal,
    });
    return accounts.map(({ id, name }) => ({ id, name }));
  } catch (error) {
    if (client.accountId !== undefined && isFlaresmithError(error, "INTEGRATION_PERMISSION_MISSING"))
      return [];
    throw error;
  }
}

async function verify(
  client: Pick<CloudflareClient, "call" | "accountId">,
  signal: AbortSignal,
): Promise<z.output<typeof token>> {
  const purpose = { what: "verifying the API token", permission: "API Tokens Read" };
  const ask = async (path: string): Promise<z.output<typeof token>> =>
    (await client.call({ method: "GET", path, result: token, purpose, signal })).result;
  try {
    return await ask("/user/tokens/verify");
  } catch (error) {
    // Tokens that an account owns, instead of a user, are unknown there.
    if (!isFlaresmithError(error, "INTEGRATION_CREDENTIALS_INVALID")) throw error;
    if (client.accountId === undefined) throw perhapsAnAccounts(error);
    return ask(`/accounts/${encodeURIComponent(client.accountId)}/tokens/verify`);
  }
}

/** The same, with what else may be the matter: only its account can be asked about a token that an account owns. */
function perhapsAnAccounts(error: FlaresmithError): FlaresmithError {
  return new FlaresmithError({
    code: error.code,
    message: error.message,
    hint: `${error.hint} If the token belongs to an account (not a user), set spec.account of the Connection to the id of that account.`,
    context: error.context,
    cause: error,
  });
}
