/** What a webhook delivery wakes: the Project of its repository, and everything that deploys from it. */
import type { WebhookHint } from "../../http/webhook-app.ts";
import type { Manager } from "../../runtime/manager.ts";
import type { Caches } from "../../runtime/reconcile.ts";
import { priorities } from "../../runtime/work-queue.ts";
import type { KubernetesObject, ObjectKey } from "../../store/resource-client.ts";
import { environmentType, previewType, projectType } from "../types.ts";

interface Project extends KubernetesObject {
  spec: { github?: { owner?: string; repository?: string } };
  status?: { inventory?: { provider?: string; type?: string; id?: string; name?: string }[] };
}
interface Place extends KubernetesObject {
  spec: { projectRef: { name: string } };
}

const keyOf = ({ metadata: { name, namespace } }: KubernetesObject): ObjectKey => ({
  name,
  ...(namespace === undefined ? {} : { namespace }),
});

/** A hint about no repository in particular concerns every Project that has one. */
function concerns(project: Project, hint: WebhookHint): boolean {
  if (project.spec.github === undefined) return false;
  if (hint.repositoryId === undefined && hint.fullName === undefined) return true;
  const repository = (project.status?.inventory ?? []).find(
    ({ provider, type }) => provider === "github" && type === "repository",
  );
  if (repository?.id !== undefined && repository.id === String(hint.repositoryId)) return true;
  const name = hint.fullName?.split("/")[1]?.toLowerCase();
  return name !== undefined && name === project.spec.github.repository?.toLowerCase();
}

/** Brings up what the hint is about. Only hints: what they say is looked up, never believed. */
export function enqueueHint(hint: WebhookHint, manager: Pick<Manager, "caches" | "enqueue">): void {
  const { caches }: { caches: Caches } = manager;
  const urgent = { priority: priorities.webhook };
  for (const project of caches.of<Project>(projectType).list()) {
    if (!concerns(project, hint)) continue;
    manager.enqueue("project", keyOf(project), urgent);
    const places = [
      ["environment", environmentType],
      ["preview", previewType],
    ] as const;
    for (const [controller, type] of places) {
      for (const place of caches.of<Place>(type).list(project.metadata.namespace)) {
        if (place.spec.projectRef.name === project.metadata.name)
          manager.enqueue(controller, keyOf(place), urgent);
      }
    }
  }
}
