/** Somebody else with access to the same accounts: changes the world behind the controller's back, and looks at it. */
import type { World } from "../support/world.ts";

/** A JSON object of an answer. */
export type Fields = Record<string, unknown>;

export interface Outsider {
  /** @param path below the API's root, such as `/repos/acme/shop` @throws Error naming the answer when it is no success */
  github<Body = Fields>(method: string, path: string, body?: unknown): Promise<Body>;
  /** Waits, in virtual time, until Neon has ended what locks the project. */
  neon<Body = Fields>(method: string, path: string, body?: unknown): Promise<Body>;
  /** The `result` of the answer. @param path below `/accounts/<account>` */
  cloudflare<Body = Fields>(method: string, path: string, body?: unknown): Promise<Body>;
  /** The `result` of the answer. @param path below `/zones/<zone>` */
  zone<Body = Fields>(method: string, path: string, body?: unknown): Promise<Body>;
}

export function outsider(world: Pick<World, "sandbox" | "time">): Outsider {
  const { sandbox, time } = world;
  const { seed, urls } = sandbox;
  const send = async (
    origin: string,
    token: string,
    method: string,
    path: string,
    body: unknown,
  ): Promise<{ status: number; body: unknown }> => {
    const multipart = body instanceof FormData;
    const response = await sandbox.fetch(origin + path, {
      method,
      redirect: "follow",
      headers: {
        authorization: `Bearer ${token}`,
        "user-agent": "somebody-else",
        ...(multipart ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: multipart ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      body: text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : text,
    };
  };
  const success = (answer: { status: number; body: unknown }, what: string): unknown => {
    if (answer.status < 300) return answer.body;
    throw new Error(`${what}: ${answer.status} ${JSON.stringify(answer.body)}`);
  };
  const cloudflare = async (method: string, path: string, body: unknown): Promise<unknown> => {
    const answer = await send(urls.cloudflare, seed.cloudflare.token, method, path, body);
    return (success(answer, `${method} ${path}`) as { result: unknown }).result;
  };
  const { accountId, zone } = seed.cloudflare;
  return {
    github: async <Body>(method: string, path: string, body?: unknown) =>
      success(await send(urls.github, seed.github.token, method, path, body), `${method} ${path}`) as Body,
    neon: async <Body>(method: string, path: string, body?: unknown) => {
      for (let attempt = 0; ; attempt += 1) {
        const answer = await send(urls.neon, seed.neon.token, method, path, body);
        if (answer.status !== 423 || attempt === 60) return success(answer, `${method} ${path}`) as Body;
        time.sandbox.advance(1000);
      }
    },
    cloudflare: async <Body>(method: string, path: string, body?: unknown) =>
      (await cloudflare(method, `/accounts/${accountId}${path}`, body)) as Body,
    zone: async <Body>(method: string, path: string, body?: unknown) =>
      (await cloudflare(method, `/zones/${zone.id}${path}`, body)) as Body,
  };
}

interface SandboxState {
  github: { repositories: Fields[] };
  neon: { projects: NeonProjectState[] };
  cloudflare: {
    accounts: { scripts: ScriptState[]; kv: { id: string; title: string }[]; r2: { name: string }[] }[];
  };
}

export interface NeonProjectState extends Fields {
  id: string;
  name: string;
  deletedAt?: number;
  branches: NeonBranchState[];
}

export interface NeonBranchState extends Fields {
  id: string;
  name: string;
  deletedAt?: number;
  parentId?: string;
  expiresAt?: number;
  roles: { name: string; password: string }[];
  databases: { name: string; ownerName: string }[];
}

export interface ScriptState extends Fields {
  id: string;
  name: string;
  tags: string[];
  secrets: Record<string, string>;
  bindings: Fields[];
  previews: PreviewState[];
  versions: string[];
}

interface PreviewState extends Fields {
  name: string;
  secrets: Record<string, string>;
  bindings: Fields[];
}

/** Everything that exists at the providers, values of secrets included. */
export function stateOf({ sandbox }: Pick<World, "sandbox">): SandboxState {
  const states = Object.fromEntries(
    sandbox.providers.map((provider) => [provider.name, provider.state()] as const),
  );
  return states as unknown as SandboxState;
}

/** The Workers of the account, by name. */
export function scriptsOf(world: Pick<World, "sandbox">): Map<string, ScriptState> {
  const scripts = stateOf(world).cloudflare.accounts.flatMap((account) => account.scripts);
  return new Map(scripts.map((script) => [script.name, script] as const));
}

/** @throws Error when there is no such Worker */
export function scriptOf(world: Pick<World, "sandbox">, name: string): ScriptState {
  const script = scriptsOf(world).get(name);
  if (!script) throw new Error(`no Worker ${name}`);
  return script;
}

/** The one Neon project that is not deleted. @throws Error when there is another number of them */
export function neonProjectOf(world: Pick<World, "sandbox">): NeonProjectState {
  const [only, another] = stateOf(world).neon.projects.filter((project) => project.deletedAt === undefined);
  if (!only || another) throw new Error("not exactly one Neon project");
  return only;
}

/** The living branches of the one Neon project, by name. */
export function neonBranchesOf(world: Pick<World, "sandbox">): Map<string, NeonBranchState> {
  const living = neonProjectOf(world).branches.filter((branch) => branch.deletedAt === undefined);
  return new Map(living.map((branch) => [branch.name, branch] as const));
}

/** @throws Error when there is no such branch */
export function neonBranchOf(world: Pick<World, "sandbox">, name: string): NeonBranchState {
  const branch = neonBranchesOf(world).get(name);
  if (!branch) throw new Error(`no Neon branch ${name}`);
  return branch;
}

/** The password of the role `app` on a branch, as Neon knows it. @throws Error when there is no such role */
export function neonPasswordOf(world: Pick<World, "sandbox">, branch: string): string {
  const role = neonBranchOf(world, branch).roles.find(({ name }) => name === "app");
  if (!role) throw new Error(`no role app on ${branch}`);
  return role.password;
}
