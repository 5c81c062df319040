/** Who may do what once manifests/base is applied: asked of the API server for everything that it serves. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { stringify } from "yaml";
import { eventually } from "../contract/contract-helpers.ts";
import { allAllowed, requests, type Row } from "./harness/access-review.ts";
import type { Identity } from "./harness/certificates.ts";
import { installManifests, type Installed } from "./harness/installed.ts";

const binaries = inject("binaries");
const SYSTEM = "flaresmith-system";
// Without system:authenticated: what everybody may do is not ours to list.
const CONTROLLER: Identity = {
  user: `system:serviceaccount:${SYSTEM}:flaresmith`,
  groups: ["system:serviceaccounts", `system:serviceaccounts:${SYSTEM}`],
};
const ours = (...plurals: string[]): string[] => plurals.map((plural) => `${plural}.flaresmith.dev`);
const everyKind = ours("connections", "sources", "projects", "environments", "previews");
const everyStatus = everyKind.map((kind) => kind.replace(".", "/status."));

/** In every namespace. */
const controllerAnywhere: readonly Row[] = [
  ["get list watch patch", ...everyKind],
  ["update", ...everyStatus],
  ["create delete", ...ours("connections", "projects", "environments", "previews")],
  ["promote", ...ours("environments")],
  ["create", "configmaps", "tokenreviews.authentication.k8s.io", "subjectaccessreviews.authorization.k8s.io"],
  ["get create patch", "events"],
  ["get", "secrets"],
];
const definition = (name: string) => ({
  verb: "get",
  group: "apiextensions.k8s.io",
  resource: "customresourcedefinitions",
  name,
});

describe.skipIf(binaries === undefined)("with manifests/base applied", { timeout: 120_000 }, () => {
  let installed: Installed;
  beforeAll(async () => {
    installed = await installManifests({
      binaries: binaries ?? "",
      kubectl: inject("kubectl"),
      folder: "base",
    });
    await installed.kubectl.succeed(["create", "namespace", "team"]);
  });
  afterAll(() => installed.stop());

  describe("the controller's service account", () => {
    test("may do what it does in a team's namespace, and nothing else", async () => {
      const { api } = installed;
      expect(await allAllowed({ api, identity: CONTROLLER, namespace: "team" })).toEqual(
        requests(...controllerAnywhere),
      );
    });

    test("may besides create its lease and its key in its own", async () => {
      const names = [
        { verb: "update", group: "coordination.k8s.io", resource: "leases" },
        { verb: "patch", group: "", resource: "configmaps" },
        { verb: "get", group: "", resource: "configmaps" },
      ].flatMap((access) =>
        ["flaresmith-controller", "flaresmith-installation", "other"].map((name) => ({ ...access, name })),
      );
      const { api } = installed;
      expect(await allAllowed({ api, identity: CONTROLLER, namespace: SYSTEM, names })).toEqual(
        requests(
          ...controllerAnywhere,
          ["create", "leases.coordination.k8s.io", "secrets"],
          ["update", 'leases.coordination.k8s.io "flaresmith-controller"'],
          ["get patch", 'configmaps "flaresmith-installation"'],
        ),
      );
    });

    test("may read its own definitions and no others, and nothing else of the cluster's", async () => {
      const names = [...everyKind, "widgets.example.com"].map(definition);
      const { api } = installed;
      expect(await allAllowed({ api, identity: CONTROLLER, namespace: "", names })).toEqual(
        requests(...controllerAnywhere, [
          "get",
          ...everyKind.map((name) => `customresourcedefinitions.apiextensions.k8s.io "${name}"`),
        ]),
      );
    });
  });

  const viewer: readonly Row[] = [["get list watch", ...everyKind, "events"]];
  const contributor: readonly Row[] = [
    ...viewer,
    ["create update patch", ...ours("environments", "previews")],
    ["delete deletecollection", ...ours("previews")],
  ];
  const maintainer: readonly Row[] = [
    ...contributor,
    ["promote delete deletecollection", ...ours("environments")],
    ["create update patch delete deletecollection", ...ours("connections", "sources")],
    ["create update patch", ...ours("projects")],
  ];
  const owner: readonly Row[] = [
    ...maintainer,
    ["delete deletecollection", ...ours("projects")],
    ["get list watch create update patch delete", "secrets", "rolebindings.rbac.authorization.k8s.io"],
  ];

  const bind = async (name: string, role: string): Promise<void> => {
    await installed.kubectl.succeed([
      "create",
      "rolebinding",
      name,
      `--clusterrole=${role}`,
      `--user=${name}`,
      "-n",
      "team",
    ]);
  };

  describe("people", () => {
    beforeAll(async () => {
      for (const role of ["viewer", "contributor", "maintainer", "owner"])
        await bind(role, `flaresmith-${role}`);
    });

    test.each([
      ["viewer", viewer],
      ["contributor", contributor],
      ["maintainer", maintainer],
      ["owner", owner],
    ])("flaresmith-%s may do this in its namespace, and nothing else", async (user, allowed) => {
      const { api } = installed;
      const identity = { user, groups: [] };
      await eventually(async () =>
        // The controller manager adds the rules up in the background.
        expect(await allAllowed({ api, identity, namespace: "team" })).toEqual(requests(...allowed)),
      );
    });

    test("none may do anything in another namespace", async () => {
      const { api } = installed;
      expect(
        await allAllowed({ api, identity: { user: "owner", groups: [] }, namespace: "default" }),
      ).toEqual([]);
    });

    test("an owner gives away the roles up to its own, and no more", async () => {
      const give = (role: string) =>
        installed.kubectl.run([
          "create",
          "rolebinding",
          `new-${role}`,
          `--clusterrole=${role}`,
          "--user=colleague",
          "-n",
          "team",
          "--as=owner",
        ]);
      expect(await give("flaresmith-maintainer")).toMatchObject({ code: 0 });
      expect(await give("flaresmith-owner")).toMatchObject({ code: 0 });
      const { code, err } = await give("cluster-admin");
      expect(code).toBe(1);
      expect(err).toContain("attempting to grant RBAC permissions not currently held");
    });

    // Kubernetes' own roles, for clusters that have bound nothing else.
    test.each([
      ["view", viewer],
      ["edit", contributor],
      ["admin", owner],
    ])("whoever has Kubernetes' own %s has what belongs to it of ours", async (role, allowed) => {
      await bind(`someone-with-${role}`, role);
      const { api } = installed;
      const identity = { user: `someone-with-${role}`, groups: [] };
      const kinds = /\.flaresmith\.dev/;
      await eventually(async () => {
        const all = await allAllowed({ api, identity, namespace: "team" });
        expect(all.filter((access) => kinds.test(access))).toEqual(
          requests(...allowed).filter((access) => kinds.test(access)),
        );
      });
    });
  });

  describe("production", () => {
    const environment = (name: string, stage: string, spec: object = {}) =>
      stringify({
        apiVersion: "flaresmith.dev/v1alpha1",
        kind: "Environment",
        metadata: { name, namespace: "team" },
        spec: { projectRef: { name: "shop" }, stage, ...spec },
      });
    const apply = (as: string, input: string) =>
      installed.kubectl.run(["apply", "-f", "-", `--as=${as}`], { input });
    const nobody = {
      apiVersion: "v1",
      kind: "ConfigMap",
      name: "nobody",
      uid: "00000000-0000-0000-0000-000000000000",
    };
    const refused = { code: 1, err: expect.stringContaining('needs the verb "promote"') as string };

    test("is a maintainer's: a contributor may neither create it, nor change it, nor make it", async () => {
      expect(await apply("contributor", environment("shop-dev", "Dev"))).toMatchObject({ code: 0 });
      expect(await apply("contributor", environment("shop-production", "Production"))).toMatchObject(refused);
      expect(await apply("maintainer", environment("shop-production", "Production"))).toMatchObject({
        code: 0,
      });
      expect(
        await apply("contributor", environment("shop-production", "Production", { suspend: true })),
      ).toMatchObject(refused);
      expect(await apply("contributor", environment("shop-production", "Dev"))).toMatchObject(refused);
      expect(await apply("contributor", environment("shop-dev", "Production"))).toMatchObject(refused);
      expect(await apply("contributor", environment("shop-dev", "Dev", { suspend: true }))).toMatchObject({
        code: 0,
      });
    });

    test("a contributor confirms nothing there", async () => {
      const confirm = (as: string) =>
        installed.kubectl.run([
          "annotate",
          "environment",
          "shop-production",
          "flaresmith.dev/confirm=abc",
          "-n",
          "team",
          `--as=${as}`,
        ]);
      expect(await confirm("contributor")).toMatchObject(refused);
      expect(await confirm("maintainer")).toMatchObject({ code: 0 });
    });

    test.each([
      ["has it end by an owner that does not exist", { ownerReferences: [nobody] }],
      ["takes the controller's finalizer out", { finalizers: null }],
    ])("no contributor %s", async (_, metadata) => {
      const patch = (as: string, change: object) =>
        installed.kubectl.run([
          "patch",
          "environment",
          "shop-production",
          "-n",
          "team",
          "--type=merge",
          "-p",
          JSON.stringify({ metadata: change }),
          `--as=${as}`,
        ]);
      const held = { finalizers: ["flaresmith.dev/finalizer"] };
      expect(await patch(CONTROLLER.user, held)).toMatchObject({ code: 0 });
      expect(await patch("contributor", metadata)).toMatchObject(refused);
      expect(await patch(CONTROLLER.user, { finalizers: null })).toMatchObject({ code: 0 });
    });

    test("the controller applies it from git, holds it by its finalizer and says how it is", async () => {
      const as = `--as=${CONTROLLER.user}`;
      const applied = await installed.kubectl.run(["apply", "--server-side", "-f", "-", as], {
        input: environment("shop-from-git", "Production"),
      });
      expect(applied).toMatchObject({ code: 0 });
      const patch = (extra: string[]) =>
        installed.kubectl.run([
          "patch",
          "environment",
          "shop-from-git",
          "-n",
          "team",
          "--type=merge",
          ...extra,
          as,
        ]);
      expect(await patch(["-p", '{"metadata":{"finalizers":["flaresmith.dev/finalizer"]}}'])).toMatchObject({
        code: 0,
      });
      expect(await patch(["-p", '{"metadata":{"finalizers":null}}'])).toMatchObject({ code: 0 });
    });

    test("a namespace goes with the production in it", async () => {
      await installed.kubectl.succeed(["create", "namespace", "leaving"]);
      await installed.kubectl.succeed(["apply", "-f", "-"], {
        input: environment("shop-production", "Production").replace("namespace: team", "namespace: leaving"),
      });
      await installed.kubectl.succeed(["delete", "namespace", "leaving", "--timeout=30s"]);
    });
  });
});
