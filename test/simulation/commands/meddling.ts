/** What somebody else does to what is ours. Nothing of it takes data or code away: that would wait for a person. */
import { outsider } from "../people.ts";
import type { Scene } from "../run.ts";

export interface Meddling {
  /** With `@` for the project. */
  words: string;
  does: (scene: Scene, project: string) => Promise<unknown>;
}

const github = (words: string, method: string, path: string, body?: unknown): Meddling => ({
  words,
  does: (scene, project) =>
    outsider(scene, "github", {
      method,
      path: `/repos/acme/${project}${path}`,
      ...(body === undefined ? {} : { body }),
    }),
});

const cloudflare = (
  words: string,
  method: string,
  path: (project: string) => string,
  body?: unknown,
): Meddling => ({
  words,
  does: (scene, project) =>
    outsider(scene, "cloudflare", {
      method,
      path: `/accounts/${scene.sandbox.seed.cloudflare.accountId}${path(project)}`,
      ...(body === undefined ? {} : { body }),
    }),
});

export const meddlings: readonly Meddling[] = [
  github("somebody describes @ otherwise", "PATCH", "", { description: "changed by somebody" }),
  github("somebody sets REGION of @ to mars", "PATCH", "/actions/variables/REGION", {
    name: "REGION",
    value: "mars",
  }),
  github("somebody deletes REGION of @", "DELETE", "/actions/variables/REGION"),
  github("somebody deletes the GitHub environment dev of @", "DELETE", "/environments/dev"),
  github("somebody deletes STAGE of @", "DELETE", "/environments/dev/variables/STAGE"),
  github(
    "somebody deletes the GitHub secret DATABASE_URL of @",
    "DELETE",
    "/environments/dev/secrets/DATABASE_URL",
  ),
  {
    words: "somebody deletes the ruleset of @",
    does: async (scene, project) => {
      const path = `/repos/acme/${project}/rulesets`;
      const rulesets = (await outsider(scene, "github", { method: "GET", path })) as
        | { id: number }[]
        | undefined;
      for (const { id } of rulesets ?? [])
        await outsider(scene, "github", { method: "DELETE", path: `${path}/${id}` });
    },
  },
  cloudflare(
    "somebody deletes the crons of @",
    "DELETE",
    (project) => `/workers/scripts/${project}-api-dev/schedules`,
  ),
  cloudflare(
    "somebody sets another cron on @",
    "PUT",
    (project) => `/workers/scripts/${project}-api-dev/schedules`,
    [{ cron: "5 5 * * *" }],
  ),
];
