/** What `flaresmith up` writes into its kubeconfig, so that stock kubectl works at once; the rest of the file is people's. */
import { parseDocument, stringify, type Document } from "yaml";

/** The name of our cluster, user and context in a kubeconfig. */
export const KUBECONFIG_NAME = "flaresmith";

/** How clients reach the server. */
export interface KubeconfigAccess {
  /** URL of the API. */
  server: string;
  /** PEM of the certificate authority, put inline. */
  authority: string;
  token: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** One list of a kubeconfig, and what its entries named `flaresmith` have to hold. */
interface Entry {
  list: "clusters" | "users" | "contexts";
  inner: "cluster" | "user" | "context";
  fields: Fields;
  /** Whether an entry that holds something else is replaced. */
  ours: boolean;
}

function entriesOf({ authority, server, token }: KubeconfigAccess): Entry[] {
  const data = Buffer.from(authority).toString("base64");
  const cluster = { server, "certificate-authority-data": data };
  const context = { cluster: KUBECONFIG_NAME, user: KUBECONFIG_NAME, namespace: "default" };
  return [
    { list: "clusters", inner: "cluster", fields: cluster, ours: true },
    { list: "users", inner: "user", fields: { token }, ours: true },
    { list: "contexts", inner: "context", fields: context, ours: false },
  ];
}

/** @returns YAML with one cluster, user and context named `flaresmith`, in namespace `default` */
export function kubeconfigText(access: KubeconfigAccess): string {
  const lists = entriesOf(access).map(({ list, inner, fields }) => [
    list,
    [{ name: KUBECONFIG_NAME, [inner]: fields }],
  ]);
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    ...(Object.fromEntries(lists) as Fields),
    "current-context": KUBECONFIG_NAME,
  });
}

/**
 * Puts the access into an existing kubeconfig: cluster and user `flaresmith` are replaced when they hold something else;
 * the context of that name and `current-context` are added where they are missing.
 * @returns the same text when nothing is to be done; undefined when it is no kubeconfig
 */
export function mergeKubeconfig(text: string, access: KubeconfigAccess): string | undefined {
  try {
    const document = parseDocument(text);
    if (document.errors.length > 0) return undefined;
    const held: unknown = document.toJS();
    if (held === null) return kubeconfigText(access);
    if (typeof held !== "object" || Array.isArray(held)) return undefined;
    const changes = entriesOf(access).map((entry) => put(document, held as Fields, entry));
    const { "current-context": current } = held as Fields;
    const isChosen = typeof current === "string" && current !== "";
    if (isChosen && !changes.includes(true)) return text;
    if (!isChosen) document.set("current-context", KUBECONFIG_NAME);
    return document.toString({ lineWidth: 0 });
  } catch {
    // Aliases without end, or where lists are needed: nothing that kubectl writes.
    return undefined;
  }
}

/** @returns whether the document was changed; @throws Error when the list is none */
function put(document: Document, held: Fields, { list, inner, fields, ours }: Entry): boolean {
  const items = (held[list] ?? []) as readonly (Fields | null)[];
  if (!Array.isArray(items)) throw new TypeError(`${list} is no list`);
  const index = items.findIndex((item) => item?.["name"] === KUBECONFIG_NAME);
  const entry = { name: KUBECONFIG_NAME, [inner]: fields };
  if (index >= 0) {
    const found = (items[index]?.[inner] ?? {}) as Fields;
    if (!ours || Object.entries(fields).every(([field, value]) => found[field] === value)) return false;
    document.setIn([list, index], document.createNode(entry));
  } else if (items.length === 0) document.set(list, document.createNode([entry]));
  else document.addIn([list], document.createNode(entry));
  return true;
}
