/** Every Worker and Worker Preview of an account that carries a marker in its tags. */
import { isFlaresmithError } from "../../controller/runtime/errors.ts";
import type { ListingContext, MarkedResource } from "../engine/resource.ts";
import type { CloudflareClient } from "./client.ts";
import { readMarker } from "./marker-tags.ts";
import { listPreviews } from "./previews-api.ts";
import { readScripts } from "./scripts.ts";
import type { ListedScript } from "./scripts.ts";

type Context = ListingContext<CloudflareClient>;

/** Wall clock milliseconds of a time that Cloudflare may leave out. */
export function moment(text: string | null | undefined): number | undefined {
  const time = Date.parse(text ?? "");
  return Number.isNaN(time) ? undefined : time;
}

function marksOf(tags: readonly string[] | null | undefined): string[] {
  const { marker } = readMarker(tags ?? []);
  return marker === undefined ? [] : [marker];
}

const idOf = (script: ListedScript): string => script.tag ?? script.id;

const allScripts = (context: Context): Promise<ListedScript[]> =>
  context.shared("scripts", () => readScripts(context.client, context.account, context.signal));

/** @throws FlaresmithError when the account's scripts could not be listed */
export async function listMarkedWorkers(context: Context): Promise<MarkedResource[]> {
  const scripts = await allScripts(context);
  return scripts.flatMap((script) => {
    const marks = marksOf(script.tags);
    if (marks.length === 0) return [];
    return [
      {
        id: idOf(script),
        name: script.id,
        scope: context.account,
        marks,
        createdAt: moment(script.created_on),
      },
    ];
  });
}

/**
 * One listing for each Worker of the account, marked or not: a Worker that somebody deploys past us loses its tags, and
 * its previews keep theirs.
 * @throws FlaresmithError when the account's scripts could not be listed
 */
export async function listMarkedPreviews(context: Context): Promise<MarkedResource[]> {
  const scripts = await allScripts(context);
  const found = await Promise.all(scripts.map((script) => previewsOf(script, context)));
  return found.flat();
}

async function previewsOf(script: ListedScript, context: Context): Promise<MarkedResource[]> {
  const { account, client, signal } = context;
  try {
    const previews = await context.shared(`previews:${script.id}`, () =>
      listPreviews(client, { accountId: account, workerName: script.id }, signal),
    );
    return previews.flatMap(({ createdOn, id, name, tags }) => {
      const marks = marksOf(tags);
      if (marks.length === 0) return [];
      const scope = `${account}/${script.id}`;
      const inside = [{ type: "worker", id: idOf(script) }];
      return [{ id, name, scope, marks, createdAt: moment(createdOn), inside }];
    });
  } catch (error) {
    if (!isFlaresmithError(error)) throw error;
    context.missed(`previews of the Worker ${script.id}`, error);
    return [];
  }
}
