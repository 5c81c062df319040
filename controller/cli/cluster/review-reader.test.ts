/** Who may read the matrix in a cluster. */
import { expect, test } from "vitest";
import { virtualClock } from "../../runtime/adapters/virtual.ts";
import { createTracker } from "../../runtime/tracker.ts";
import { ApiError } from "../../store/resource-client.ts";
import type { KubernetesObject, ResourceClient, ResourceType } from "../../store/resource-client.ts";
import { createReaderReview } from "./review-reader.ts";

function reader(options: { forbidden?: boolean } = {}) {
  const clock = virtualClock();
  const asked: KubernetesObject[] = [];
  const client = {
    create: async ({ kind }: ResourceType, object: KubernetesObject & { spec: Record<string, unknown> }) => {
      asked.push(object);
      if (options.forbidden === true) throw new ApiError({ code: 403, reason: "Forbidden", message: "no" });
      if (kind === "TokenReview") {
        const user = { username: "jane", uid: "u", groups: ["devs"], extra: { scopes: ["a"] } };
        return { ...object, status: object.spec["token"] === "jane's" ? { authenticated: true, user } : {} };
      }
      const { namespace } = object.spec["resourceAttributes"] as { namespace: string };
      return { ...object, status: { allowed: object.spec["user"] === "jane" && namespace === "team" } };
    },
  } as unknown as ResourceClient;
  const mayRead = createReaderReview({ client, clock, tracker: createTracker({ clock }) });
  return { asked, clock, mayRead };
}

test("whoever may list Environments of the namespace", async () => {
  const { asked, mayRead } = reader();
  expect(await mayRead("jane's", "team")).toBe(true);
  expect(asked.map(({ kind, spec }) => ({ kind, spec }))).toEqual([
    { kind: "TokenReview", spec: { token: "jane's" } },
    {
      kind: "SubjectAccessReview",
      spec: {
        user: "jane",
        uid: "u",
        groups: ["devs"],
        extra: { scopes: ["a"] },
        resourceAttributes: {
          namespace: "team",
          verb: "list",
          group: "flaresmith.dev",
          resource: "environments",
        },
      },
    },
  ]);
  expect(await mayRead("jane's", "other")).toBe(false);
  expect(await mayRead("nobody's", "team")).toBe(false);
});

test("answers count for ten seconds", async () => {
  const { asked, clock, mayRead } = reader();
  await mayRead("jane's", "team");
  await mayRead("jane's", "team");
  expect(asked).toHaveLength(2);
  await clock.advance(10_001);
  await mayRead("jane's", "team");
  expect(asked).toHaveLength(4);
});

test("nobody, where the controller may not ask", async () => {
  expect(await reader({ forbidden: true }).mayRead("jane's", "team")).toBe(false);
});
