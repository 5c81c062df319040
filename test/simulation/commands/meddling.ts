/** What somebody else does to what is ours. */
import { outsider } from "../people.ts";
import type { ProjectShape } from "../desired.ts";
import type { Scene } from "../run.ts";

export interface Meddling {
  /** With `@` for the project. */
  words: string;
  does: (scene: Scene, project: string) => Promise<unknown>;
  /** Whether it changes something that a project of this shape manages; what no spec names is nobody's to correct. */
  when?: (shape: ProjectShape) => boolean;
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

/** One that takes away data or code, which waits for a person. */
function ruin(
  what: string,
  name: (project: string) => string,
  request: (scene: Scene, project: string, id: string) => ["github" | "neon" | "cloudflare", string],
): Meddling {
  return {
    words: `somebody deletes ${what} of @`,
    does: async (scene, project) => {
      const whole = name(project);
      const gone = scene
        .things()
        .filter((thing) => thing.name === whole || thing.name.startsWith(`${whole} `));
      const thing = gone.find((one) => one.name === whole);
      if (thing === undefined) return;
      const [provider, path] = request(scene, project, thing.id);
      await outsider(scene, provider, { method: "DELETE", path });
      const left = new Set(scene.things().map((one) => one.name));
      for (const one of gone) if (!left.has(one.name)) scene.intention.takenAway(one.name);
    },
  };
}

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

/** Repaired without asking: nothing of it takes data or code away. */
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
  {
    ...cloudflare(
      "somebody sets another cron on @",
      "PUT",
      (project) => `/workers/scripts/${project}-api-dev/schedules`,
      [{ cron: "5 5 * * *" }],
    ),
    when: ({ environments }) => environments["dev"]?.cron !== undefined,
  },
];

const ofAccount = (scene: Scene, path: string): ["cloudflare", string] => [
  "cloudflare",
  `/accounts/${scene.sandbox.seed.cloudflare.accountId}${path}`,
];

/** Made anew only when a person agrees. */
export const ruins: readonly Meddling[] = [
  ruin(
    "the repository",
    (project) => `github acme/${project}`,
    (_scene, project) => ["github", `/repos/acme/${project}`],
  ),
  ruin(
    "the git branch dev",
    (project) => `github acme/${project} branch dev`,
    (_scene, project) => ["github", `/repos/acme/${project}/git/refs/heads/dev`],
  ),
  ruin(
    "the Neon project",
    (project) => `neon ${project}`,
    (_scene, _project, id) => ["neon", `/projects/${id}`],
  ),
  ruin(
    "the KV namespace",
    (project) => `cloudflare kv ${project}-cache-dev`,
    (scene, _project, id) => ofAccount(scene, `/storage/kv/namespaces/${id}`),
  ),
  ruin(
    "the bucket",
    (project) => `cloudflare r2 ${project}-files`,
    (scene, _project, id) => ofAccount(scene, `/r2/buckets/${id}`),
  ),
  ruin(
    "the Worker",
    (project) => `cloudflare worker ${project}-api-dev`,
    (scene, project) => ofAccount(scene, `/workers/scripts/${project}-api-dev?force=true`),
  ),
];
