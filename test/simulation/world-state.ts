/** Everything that exists at the providers, by the sandbox's own account: what oracles look at. */
import type { Sandbox } from "../../sandbox/sandbox.ts";

/** One external thing. Attributes are what a user would see of it; `id` is the provider's. */
export interface Thing {
  /** Where and what, e.g. `neon shop branch dev`. Two things of one name are a duplicate. */
  name: string;
  id: string;
  /** The marker on it without its nonce; undefined where there is none. */
  marker?: string | undefined;
  attributes: Readonly<Record<string, string>>;
}

interface Repository {
  id: number;
  owner: string;
  name: string;
  isTemplate: boolean;
  topics: string[];
  description: string | null;
  branches: Record<string, string>;
  files: Record<string, string>;
  variables: Record<string, string>;
  secrets: Record<string, string>;
  hooks: { id: number }[];
  rulesets: { id: number; name: string; enforcement: string }[];
  environments: {
    id: number;
    name: string;
    variables: Record<string, string>;
    secrets: Record<string, string>;
  }[];
}

interface Branch {
  id: string;
  name: string;
  deletedAt?: number;
  annotations: Record<string, string>;
  default: boolean;
  databases: { id: number; name: string }[];
  roles: { name: string; password?: string }[];
  endpoints: { id: string }[];
}

interface Bound {
  name: string;
  type: string;
  text?: string;
  namespace_id?: string;
  bucket_name?: string;
}

interface CloudflareState {
  accounts: {
    scripts: {
      id: string;
      name: string;
      tags: string[];
      secrets: Record<string, string>;
      bindings: Bound[];
      schedules: string[];
      previews: {
        id: string;
        name: string;
        tags: string[];
        /** Missing until something was deployed to it. */
        secrets?: Record<string, string>;
        bindings?: Bound[];
      }[];
    }[];
    kv: { id: string; title: string }[];
    r2: { name: string }[];
    domains: { hostname: string }[];
  }[];
  zones: { routes: { id: string; pattern: string }[] }[];
  tags: { type: string; id: string; tags: Record<string, string> }[];
}

const withoutNonce = (marker: string | undefined): string | undefined => marker?.split("#")[0];

/** Who, and at which endpoint: what a connection string is about, whatever its options. */
function connectionOf(text: string): string {
  if (!text.startsWith("postgresql://")) return text;
  const url = new URL(text);
  return `${url.username}:${url.password}@${url.hostname.split(".")[0] ?? ""}`;
}

function prefixed(prefix: string, values: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`${prefix} ${name}`, connectionOf(value)]),
  );
}

function githubThings(sandbox: Sandbox): Thing[] {
  const { repositories } = sandbox.github.state() as { repositories: Repository[] };
  return repositories
    .filter((repository) => !repository.isTemplate)
    .flatMap((repository): Thing[] => {
      const name = `github ${repository.owner}/${repository.name}`;
      const markers = repository.topics.filter((topic) => /^flaresmith-[0-9a-f]{32}$/.test(topic));
      return [
        {
          name,
          id: String(repository.id),
          marker: markers[0],
          attributes: {
            description: repository.description ?? "",
            ...prefixed("variable", repository.variables),
            ...prefixed("secret", repository.secrets),
            files: Object.keys(repository.files).toSorted().join(" "),
          },
        },
        ...Object.entries(repository.branches).map(([branch, head]): Thing => ({
          name: `${name} branch ${branch}`,
          id: "",
          attributes: { head },
        })),
        ...repository.hooks.map(({ id }): Thing => ({
          name: `${name} hook`,
          id: String(id),
          attributes: {},
        })),
        ...repository.rulesets.map((ruleset): Thing => ({
          name: `${name} ruleset ${ruleset.name}`,
          id: String(ruleset.id),
          attributes: { enforcement: ruleset.enforcement },
        })),
        ...repository.environments.map((environment): Thing => ({
          name: `${name} environment ${environment.name}`,
          id: String(environment.id),
          attributes: {
            ...prefixed("variable", environment.variables),
            ...prefixed("secret", environment.secrets),
          },
        })),
      ];
    });
}

function neonThings(sandbox: Sandbox): Thing[] {
  const { projects } = sandbox.neon.state() as {
    projects: { id: string; name: string; deletedAt?: number; branches: Branch[] }[];
  };
  return projects
    .filter((project) => project.deletedAt === undefined)
    .flatMap((project): Thing[] => {
      // Neon keeps what is deleted for a while; for its users it is gone.
      const branches = project.branches.filter((branch) => branch.deletedAt === undefined);
      const marker = branches.find((branch) => branch.default)?.annotations["flaresmith"];
      return [
        { name: `neon ${project.name}`, id: project.id, marker: withoutNonce(marker), attributes: {} },
        ...branches.flatMap((branch): Thing[] => {
          const name = `neon ${project.name} branch ${branch.name}`;
          const role = branch.roles.find((one) => one.name === "app");
          const uri = `app:${role?.password ?? ""}@${branch.endpoints[0]?.id ?? ""}`;
          return [
            {
              name,
              id: branch.id,
              marker: branch.default ? undefined : withoutNonce(branch.annotations["flaresmith"]),
              attributes: { uri },
            },
            ...branch.databases.map((database): Thing => ({
              name: `${name} database ${database.name}`,
              id: String(database.id),
              attributes: {},
            })),
          ];
        }),
      ];
    });
}

function bindingsOf(bindings: readonly Bound[]): Record<string, string> {
  return Object.fromEntries(
    bindings
      .filter((binding) => binding.type !== "secret_text")
      .map((binding) => [
        `binding ${binding.name}`,
        binding.text ?? binding.namespace_id ?? binding.bucket_name ?? "",
      ]),
  );
}

function markerOf(tags: readonly string[]): string | undefined {
  return withoutNonce(tags.find((tag) => tag.startsWith("flaresmith:"))?.slice("flaresmith:".length));
}

function cloudflareThings(sandbox: Sandbox): Thing[] {
  const { accounts, tags, zones } = sandbox.cloudflare.state() as CloudflareState;
  const tagged = (type: string, id: string): string | undefined =>
    withoutNonce(tags.find((one) => one.type === type && one.id === id)?.tags["flaresmith"]);
  return [
    ...accounts.flatMap((account): Thing[] => [
      ...account.scripts.flatMap((script): Thing[] => [
        {
          name: `cloudflare worker ${script.name}`,
          id: script.id,
          marker: markerOf(script.tags),
          attributes: {
            crons: script.schedules.toSorted().join(", "),
            ...bindingsOf(script.bindings),
            ...prefixed("secret", script.secrets),
          },
        },
        ...script.previews.map((preview): Thing => ({
          name: `cloudflare worker ${script.name} preview ${preview.name}`,
          id: preview.id,
          marker: markerOf(preview.tags),
          attributes: {
            ...bindingsOf(preview.bindings ?? []),
            ...prefixed("secret", preview.secrets ?? {}),
          },
        })),
      ]),
      ...account.kv.map(({ id, title }): Thing => ({
        name: `cloudflare kv ${title}`,
        id,
        marker: tagged("kv_namespace", id),
        attributes: { id },
      })),
      ...account.r2.map(({ name }): Thing => ({
        name: `cloudflare r2 ${name}`,
        id: name,
        marker: tagged("r2_bucket", name),
        attributes: {},
      })),
      ...account.domains.map(({ hostname }): Thing => ({
        name: `cloudflare domain ${hostname}`,
        id: "",
        attributes: {},
      })),
    ]),
    ...zones.flatMap((zone) =>
      zone.routes.map(({ id, pattern }): Thing => ({
        name: `cloudflare route ${pattern}`,
        id,
        attributes: {},
      })),
    ),
  ];
}

/** Everything but the template repository. */
export function thingsOf(sandbox: Sandbox): Thing[] {
  return [...githubThings(sandbox), ...neonThings(sandbox), ...cloudflareThings(sandbox)];
}
