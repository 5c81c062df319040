/** How to reach an API server and prove who we are: what kubeconfig and service account are read into. */

/** A program that prints credentials, as a kubeconfig's `exec` names it (client.authentication.k8s.io). */
export interface CredentialPlugin {
  /** Found on the PATH, or an absolute path. */
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  apiVersion: string;
  /** What to install when the command is not found. */
  installHint?: string;
  /** The cluster, for plugins that ask to be told (`provideClusterInfo`). */
  cluster?: Readonly<Record<string, unknown>>;
}

/** Who to act as; the identity that is proven must be allowed to. */
export interface Impersonation {
  user: string;
  uid?: string;
  groups: readonly string[];
  extra: Readonly<Record<string, readonly string[]>>;
}

/** Files of PEMs, absolute. */
export interface CertificateFiles {
  authority?: string;
  certificate?: string;
  privateKey?: string;
}

export interface ClusterAccess {
  /** URL of the API server. */
  server: string;
  /** Namespace of the context, or of the pod. */
  namespace: string;
  /** PEM. Left out: the system's authorities are trusted. */
  authority?: string;
  /** Accept any certificate of the server. */
  skipVerification?: true;
  /** Name that the server's certificate must be good for, and that is asked for (SNI). Default: the URL's host */
  serverName?: string;
  /** URL of an HTTP proxy that is used to reach the server. */
  proxy?: string;
  /** Client certificate and key, PEM. */
  client?: { certificate: string; privateKey: string };
  /** Where authority and client certificate were read from, when that was a file: it may be rewritten. */
  files?: CertificateFiles;
  token?: string;
  /** A file that holds a token and is rewritten before it expires. */
  tokenFile?: string;
  plugin?: CredentialPlugin;
  impersonate?: Impersonation;
}
