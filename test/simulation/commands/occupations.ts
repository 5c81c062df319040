/** Somebody else's things under the names that a project would choose. */
import { outsider } from "../people.ts";
import type { ProjectShape } from "../desired.ts";
import type { Scene } from "../run.ts";
import type { Thing } from "../world-state.ts";

export const occupations = ["repository", "Neon project", "KV namespace", "bucket"] as const;
export type Occupation = (typeof occupations)[number];

const account = (scene: Scene): string => `/accounts/${scene.sandbox.seed.cloudflare.accountId}`;

/** The thing's own name, without what lies in it. */
function nameOf(occupation: Occupation, project: string): string {
  const names: Record<Occupation, string> = {
    repository: `github acme/${project}`,
    "Neon project": `neon ${project}`,
    "KV namespace": `cloudflare kv ${project}-cache-dev`,
    bucket: `cloudflare r2 ${project}-files`,
  };
  return names[occupation];
}

/** Which annotation lets a project have it; a Neon project cannot be had. */
export function consentOf(
  occupation: Occupation,
): { kind: "Project" | "Environment"; suffix: string; slot: string } | undefined {
  switch (occupation) {
    case "repository":
      return { kind: "Project", suffix: "", slot: "githubRepo" };
    case "bucket":
      return { kind: "Project", suffix: "", slot: "cloudflareR2/files" };
    case "KV namespace":
      return { kind: "Environment", suffix: "-dev", slot: "cloudflareKv/cache" };
    case "Neon project":
      return undefined;
  }
}

/** Whether a project of this shape would want the name. */
export function wants(shape: ProjectShape, occupation: Occupation): boolean {
  switch (occupation) {
    case "repository":
      return true;
    case "Neon project":
      return shape.neon;
    case "KV namespace":
      return shape.cache;
    case "bucket":
      return shape.files;
  }
}

function belongs(thing: Thing, name: string): boolean {
  return thing.name === name || thing.name.startsWith(`${name} `);
}

/** Makes one, where the name is free. */
export async function occupy(scene: Scene, occupation: Occupation, project: string): Promise<void> {
  const name = nameOf(occupation, project);
  if (scene.things().some((thing) => thing.name === name)) return;
  switch (occupation) {
    case "repository":
      await outsider(scene, "github", {
        method: "POST",
        path: "/orgs/acme/repos",
        body: { name: project, auto_init: true, description: "somebody else's" },
      });
      break;
    case "Neon project": {
      const org_id = scene.sandbox.seed.neon.orgId;
      await outsider(scene, "neon", {
        method: "POST",
        path: "/projects",
        body: { project: { name: project, org_id, region_id: "aws-eu-central-1" } },
      });
      break;
    }
    case "KV namespace":
      await outsider(scene, "cloudflare", {
        method: "POST",
        path: `${account(scene)}/storage/kv/namespaces`,
        body: { title: `${project}-cache-dev` },
      });
      break;
    case "bucket":
      await outsider(scene, "cloudflare", {
        method: "POST",
        path: `${account(scene)}/r2/buckets`,
        body: { name: `${project}-files` },
      });
  }
  for (const thing of scene.things())
    if (belongs(thing, name)) scene.intention.foreign.set(thing.name, JSON.stringify(thing));
}

/** Names of what exists under the name, whoever it belongs to. */
export function namesAround(scene: Scene, occupation: Occupation, project: string): string[] {
  const name = nameOf(occupation, project);
  return scene
    .things()
    .filter((thing) => belongs(thing, name))
    .map((thing) => thing.name);
}

/** Its owner deletes it, where it is still his; a provider that refuses is asked again at the next time. */
export async function takeAway(scene: Scene, occupation: Occupation, project: string): Promise<void> {
  const name = nameOf(occupation, project);
  const thing = scene.things().find((one) => one.name === name);
  // What is not as he left it stays, for the oracle to see.
  if (thing === undefined || scene.intention.foreign.get(name) !== JSON.stringify(thing)) return;
  const places: Record<Occupation, ["github" | "neon" | "cloudflare", string]> = {
    repository: ["github", `/repos/acme/${project}`],
    "Neon project": ["neon", `/projects/${thing.id}`],
    "KV namespace": ["cloudflare", `${account(scene)}/storage/kv/namespaces/${thing.id}`],
    bucket: ["cloudflare", `${account(scene)}/r2/buckets/${thing.id}`],
  };
  const [provider, path] = places[occupation];
  const names = namesAround(scene, occupation, project);
  await outsider(scene, provider, { method: "DELETE", path });
  if (scene.things().some((one) => one.name === name)) return;
  for (const one of names) scene.intention.takenAway(one);
}
