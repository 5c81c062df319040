/** Templates of provider paths, so that metrics and messages name routes and not every repository, branch or Worker. */

/** How many segments after a collection's name are names or ids; `Infinity` for all that follow. */
type Collections = Readonly<Record<string, number>>;

const github: Collections = {
  repos: 2,
  repositories: 1,
  orgs: 1,
  users: 1,
  teams: 1,
  installations: 1,
  environments: 1,
  "deployment-branch-policies": 1,
  variables: 1,
  secrets: 1,
  rulesets: 1,
  hooks: 1,
  commits: 1,
  trees: 1,
  blobs: 1,
  ref: Infinity,
  refs: Infinity,
  "matching-refs": Infinity,
  contents: Infinity,
};
const neon: Collections = { projects: 1, branches: 1, endpoints: 1, databases: 1, roles: 1, operations: 1 };
const cloudflare: Collections = {
  accounts: 1,
  zones: 1,
  scripts: 1,
  previews: 1,
  deployments: 1,
  versions: 1,
  namespaces: 1,
  values: 1,
  buckets: 1,
  routes: 1,
  domains: 1,
};
/** Segments that stand where a name could and are none. */
const words: ReadonlySet<string> = new Set(["public-key", "latest", "subdomain", "verify"]);

function template(collections: Collections, pathname: string): string {
  const shown: string[] = [];
  let names = 0;
  for (const segment of pathname.split("/")) {
    const isName = names > 0 && !words.has(segment);
    names = isName ? names - 1 : (collections[segment] ?? 0);
    if (!isName) shown.push(segment);
    else if (shown.at(-1) !== "{rest}") shown.push(names === Infinity ? "{rest}" : "{name}");
  }
  return shown.join("/");
}

/** By provider: the template of a path, e.g. `/repos/{name}/{name}/environments/{name}`. */
export const routeTemplates: Readonly<Record<string, (method: string, pathname: string) => string>> =
  Object.freeze({
    github: (_method: string, pathname: string) => template(github, pathname),
    neon: (_method: string, pathname: string) => template(neon, pathname),
    cloudflare: (_method: string, pathname: string) =>
      template(cloudflare, pathname).replace(/(\/workers\/workers)\/[^/]+/, "$1/{name}"),
  });
