/** The kinds as typed objects, and how reconcilers read others than their own. */
import type { ConnectionSpec, ConnectionStatus } from "../crds/connection.ts";
import type { EnvironmentSpec } from "../crds/environment.ts";
import { GROUP, VERSION } from "../crds/kind.ts";
import type { PreviewSpec } from "../crds/preview.ts";
import type { ProjectSpec } from "../crds/project.ts";
import type { KubernetesObject, ObjectKey, ResourceType } from "../controller/store/resource-client.ts";
import type { ReconciledObject, ReconciledStatus } from "./engine/kind.ts";

export interface ConnectionObject extends KubernetesObject {
  spec: ConnectionSpec;
  status?: ConnectionStatus;
}
export interface ProjectObject extends ReconciledObject {
  spec: ProjectSpec;
  status?: ReconciledStatus & { repositoryUrl?: string; neonProject?: string };
}
export interface EnvironmentObject extends ReconciledObject {
  spec: EnvironmentSpec;
  status?: ReconciledStatus & {
    url?: string;
    urls?: string[];
    revision?: string;
    branch?: string;
    neonBranch?: string;
    secrets?: { name: string; from: string; to: string[] }[];
  };
}
export interface PreviewObject extends ReconciledObject {
  spec: PreviewSpec;
  status?: ReconciledStatus & {
    url?: string;
    urls?: string[];
    revision?: string;
    branch?: string;
    neonBranch?: string;
    activatedAt?: string;
    activatedGeneration?: number;
    expiresAt?: string;
    queuePosition?: number;
  };
}

const typeOf = (kind: string, plural: string): ResourceType =>
  Object.freeze({ group: GROUP, version: VERSION, kind, plural, namespaced: true });

export const connectionType = typeOf("Connection", "connections");
export const projectType = typeOf("Project", "projects");
export const environmentType = typeOf("Environment", "environments");
export const previewType = typeOf("Preview", "previews");

/** Objects as the caches have them; what is handed out is shared and must not be changed. */
export interface ObjectReader {
  get<T extends KubernetesObject>(type: ResourceType, key: ObjectKey): T | undefined;
  /** Environments or previews of a project. */
  ofProject<T extends EnvironmentObject | PreviewObject>(
    type: ResourceType,
    namespace: string,
    project: string,
  ): readonly T[];
  /** Projects whose spec calls their repository so, in any case, of whatever owner and in whatever namespace. */
  usingRepository(repository: string): readonly ProjectObject[];
  /** Decoded data of a Secret, read by name, never listed; undefined when it does not exist. */
  secret(
    key: { namespace: string; name: string },
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, string>> | undefined>;
}
