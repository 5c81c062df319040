/**
 * What every ResourceClient promises, whatever stands behind it: run against the embedded store, over our HTTP API, and
 * over a real kube-apiserver.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { KubernetesObject, ResourceClient } from "../../controller/store/resource-client.ts";
import { collect, eventually, leases, namespaces, secrets, type Widget } from "./contract-helpers.ts";
import { testsOfCaching } from "./contract-caching.ts";
import { widgetType } from "./widget.ts";

export interface ContractTarget {
  /** Serves core types and the widget of widget.ts. */
  client: ResourceClient;
  close(): Promise<void>;
}

/** Declares the suite. `makeTarget` is called once. */
export function describeContract(name: string, makeTarget: () => Promise<ContractTarget>): void {
  describe(`ResourceClient contract: ${name}`, () => {
    let target: ContractTarget;
    let client: ResourceClient;
    let counter = 0;
    const run = Math.floor(Date.now() / 1000).toString(36);

    beforeAll(async () => {
      target = await makeTarget();
      client = target.client;
    });
    afterAll(() => target.close());

    const newNamespace = async (): Promise<string> => {
      const namespace = `contract-${run}-${(counter += 1)}`;
      await client.create(namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
      return namespace;
    };
    const widget = (
      namespace: string,
      object: string,
      metadata: object = {},
      spec: Widget["spec"] = { name: "abc" },
    ): Widget => ({
      apiVersion: "probe.dev/v1alpha1",
      kind: "Widget",
      metadata: { name: object, namespace, ...metadata },
      spec,
    });

    test("create answers the stored object with defaults and system fields", async () => {
      const namespace = await newNamespace();
      const made = await client.create(widgetType, widget(namespace, "a", { labels: { l: "1" } }));
      expect(made.spec).toEqual({ name: "abc", count: 3 });
      expect(made.status).toEqual({ observedGeneration: -1 });
      expect(made.metadata).toMatchObject({ name: "a", namespace, generation: 1, labels: { l: "1" } });
      expect(made.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
      expect(made.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      expect(await client.get(widgetType, { namespace, name: "a" })).toEqual(made);
      await expect(client.create(widgetType, widget(namespace, "a"))).rejects.toMatchObject({
        code: 409,
        reason: "AlreadyExists",
      });
    });

    test("generateName makes a name", async () => {
      const namespace = await newNamespace();
      const object = widget(namespace, "", { generateName: "made-" });
      const [one, two] = [await client.create(widgetType, object), await client.create(widgetType, object)];
      expect(one.metadata.name).toMatch(/^made-[a-z0-9]{5}$/);
      expect(one.metadata.name).not.toBe(two.metadata.name);
    });

    test("what is not there is NotFound", async () => {
      const namespace = await newNamespace();
      const key = { namespace, name: "none" };
      const missing = { code: 404, reason: "NotFound", message: 'widgets.probe.dev "none" not found' };
      await expect(client.get(widgetType, key)).rejects.toMatchObject(missing);
      await expect(client.delete(widgetType, key)).rejects.toMatchObject(missing);
      await expect(client.patch(widgetType, key, { type: "merge", body: {} })).rejects.toMatchObject(missing);
      await expect(client.create(widgetType, widget("no-such-namespace", "a"))).rejects.toMatchObject({
        code: 404,
        message: 'namespaces "no-such-namespace" not found',
      });
    });

    test("wrong objects are refused with every field path", async () => {
      const namespace = await newNamespace();
      const wrong = widget(namespace, "a", {}, { name: "A", count: 99 });
      const refusal = await client.create(widgetType, wrong).catch((error: unknown) => error);
      expect(refusal).toMatchObject({ code: 422, reason: "Invalid" });
      expect(
        (refusal as { causes: { field: string }[] }).causes.map((cause) => cause.field).toSorted(),
      ).toEqual(["spec.count", "spec.name"]);
    });

    test("an update with an old version is a conflict, a spec change is a new generation, status has its own verb", async () => {
      const namespace = await newNamespace();
      const key = { namespace, name: "a" };
      const first = await client.create(widgetType, widget(namespace, "a"));
      const second = await client.update(widgetType, {
        ...first,
        spec: { name: "abc", count: 4 },
        status: { note: "ignored" },
      });
      expect(second.metadata.generation).toBe(2);
      expect(second.status).toEqual({ observedGeneration: -1 });
      await expect(
        client.update(widgetType, { ...first, spec: { name: "abc", count: 5 } }),
      ).rejects.toMatchObject({
        code: 409,
        reason: "Conflict",
        message:
          'Operation cannot be fulfilled on widgets.probe.dev "a": the object has been modified; please apply your changes to the latest version and try again',
      });
      const third = await client.updateStatus(widgetType, {
        ...second,
        spec: { name: "abc", count: 9 },
        status: { observedGeneration: 2 },
      });
      expect(third.status).toEqual({ observedGeneration: 2 });
      expect(third.spec.count).toBe(4);
      expect(third.metadata.generation).toBe(2);
      const fourth = await client.patchStatus<Widget>(widgetType, key, {
        type: "merge",
        body: { status: { note: "n" } },
      });
      expect(fourth.status).toEqual({ observedGeneration: 2, note: "n" });
      const labelled = await client.patch<Widget>(widgetType, key, {
        type: "merge",
        body: { metadata: { labels: { a: "b" } } },
      });
      expect(labelled.metadata.generation).toBe(2);
      expect(labelled.metadata.resourceVersion).not.toBe(fourth.metadata.resourceVersion);
    });

    test("a write that changes nothing leaves no trace", async () => {
      const namespace = await newNamespace();
      // kube-apiserver stores the status default with the first write after the create, so that one may leave a trace.
      const made = await client.update(widgetType, await client.create(widgetType, widget(namespace, "a")));
      expect(await client.update(widgetType, made)).toEqual(made);
      expect(
        await client.patch(
          widgetType,
          { namespace, name: "a" },
          { type: "merge", body: { spec: { count: 3 } } },
        ),
      ).toEqual(made);
      await client.apply(widgetType, widget(namespace, "b"), { fieldManager: "x" });
      const applied = await client.apply(widgetType, widget(namespace, "b"), { fieldManager: "x" });
      expect(await client.apply(widgetType, widget(namespace, "b"), { fieldManager: "x" })).toEqual(applied);
    });

    test("a dry run answers as the write would and stores nothing", async () => {
      const namespace = await newNamespace();
      const tried = await client.create(widgetType, widget(namespace, "a"), { dryRun: true });
      expect(tried.spec.count).toBe(3);
      await expect(client.get(widgetType, { namespace, name: "a" })).rejects.toMatchObject({
        reason: "NotFound",
      });
      const made = await client.create(widgetType, widget(namespace, "a"));
      const changed = await client.update(
        widgetType,
        { ...made, spec: { name: "abc", count: 7 } },
        { dryRun: true },
      );
      expect(changed).toMatchObject({
        spec: { count: 7 },
        metadata: { generation: 2, resourceVersion: made.metadata.resourceVersion },
      });
      await client.delete(widgetType, { namespace, name: "a" }, { dryRun: true });
      expect(await client.get(widgetType, { namespace, name: "a" })).toEqual(made);
    });

    test("lists are ordered by name, select by labels and fields, and continue at the revision they began", async () => {
      const namespace = await newNamespace();
      for (const [index, object] of ["d", "b", "a", "c", "e"].entries()) {
        await client.create(
          widgetType,
          widget(namespace, object, {
            labels: { parity: index % 2 === 0 ? "even" : "odd", ...(index === 0 ? { first: "" } : {}) },
          }),
        );
      }
      const names = async (options: object): Promise<string> =>
        (await client.list(widgetType, { namespace, ...options })).items
          .map((item) => item.metadata.name)
          .join("");
      expect(await names({})).toBe("abcde");
      expect(await names({ labelSelector: "parity=odd" })).toBe("bc");
      expect(await names({ labelSelector: "parity!=odd,first" })).toBe("d");
      expect(await names({ labelSelector: "parity in (even,odd),!first" })).toBe("abce");
      expect(await names({ labelSelector: "parity notin (even)" })).toBe("bc");
      expect(await names({ fieldSelector: "metadata.name=c" })).toBe("c");
      expect(await names({ fieldSelector: "metadata.name!=c" })).toBe("abde");
      await expect(names({ fieldSelector: "spec.count=1" })).rejects.toMatchObject({ code: 400 });
      await expect(names({ labelSelector: "a in b" })).rejects.toMatchObject({ code: 400 });
      const page = await client.list(widgetType, { namespace, limit: 2 });
      expect(page.items.map((item) => item.metadata.name)).toEqual(["a", "b"]);
      expect(page.remainingItemCount).toBe(3);
      await client.delete(widgetType, { namespace, name: "c" });
      await client.create(widgetType, widget(namespace, "cc"));
      const rest = await client.list(widgetType, {
        namespace,
        ...(page.continue === undefined ? {} : { continue: page.continue }),
      });
      expect(rest.items.map((item) => item.metadata.name)).toEqual(["c", "d", "e"]);
      expect(rest.continue ?? "").toBe("");
      expect(await names({})).toBe("abccde");
    });

    test("a watch from a list's revision sees every change after it, in order, through its selector", async () => {
      const namespace = await newNamespace();
      await client.create(widgetType, widget(namespace, "before"));
      const { resourceVersion } = await client.list(widgetType, { namespace });
      const stop = new AbortController();
      const all = collect(client.watch<Widget>(widgetType, { namespace, resourceVersion }, stop.signal));
      const red = collect(
        client.watch<Widget>(
          widgetType,
          { namespace, resourceVersion, labelSelector: "color=red" },
          stop.signal,
        ),
      );
      const key = { namespace, name: "a" };
      await client.create(widgetType, widget(namespace, "a", { labels: { color: "blue" } }));
      await client.patch(widgetType, key, {
        type: "merge",
        body: { metadata: { labels: { color: "red" } } },
      });
      await client.patch(widgetType, key, { type: "merge", body: { spec: { count: 5 } } });
      await client.patch(widgetType, key, {
        type: "merge",
        body: { metadata: { labels: { color: "blue" } } },
      });
      await client.delete(widgetType, key);
      await eventually(async () =>
        expect(all.seen).toEqual(["ADDED a", "MODIFIED a", "MODIFIED a", "MODIFIED a", "DELETED a"]),
      );
      await eventually(async () => expect(red.seen).toEqual(["ADDED a", "MODIFIED a", "DELETED a"]));
      expect(all.versions.map(Number)).toEqual(
        all.versions.map(Number).toSorted((left, right) => left - right),
      );
      stop.abort();
      await Promise.all([all.done, red.done]);
    });

    test("a watch without a revision begins with what exists", async () => {
      const namespace = await newNamespace();
      await client.create(widgetType, widget(namespace, "a"));
      const stop = new AbortController();
      const { seen, done } = collect(client.watch<Widget>(widgetType, { namespace }, stop.signal));
      await eventually(async () => expect(seen).toEqual(["ADDED a"]));
      await client.create(widgetType, widget(namespace, "b"));
      await eventually(async () => expect(seen).toEqual(["ADDED a", "ADDED b"]));
      stop.abort();
      await done;
    });

    testsOfCaching({ client: () => client, newNamespace, widget });

    test("finalizers hold a deleted object until the last one is gone", async () => {
      const namespace = await newNamespace();
      const key = { namespace, name: "a" };
      await client.create(widgetType, widget(namespace, "a", { finalizers: ["example.dev/one"] }));
      const marked = await client.delete(widgetType, key);
      expect(marked.metadata.deletionTimestamp).toBeDefined();
      expect(marked.metadata.generation).toBe(2);
      expect(await client.delete(widgetType, key)).toEqual(marked);
      await expect(
        client.patch(widgetType, key, {
          type: "merge",
          body: { metadata: { finalizers: ["example.dev/one", "example.dev/two"] } },
        }),
      ).rejects.toMatchObject({ code: 422 });
      await client.patch(widgetType, key, { type: "merge", body: { metadata: { finalizers: null } } });
      await expect(client.get(widgetType, key)).rejects.toMatchObject({ reason: "NotFound" });
    });

    test("deletion preconditions", async () => {
      const namespace = await newNamespace();
      const key = { namespace, name: "a" };
      const made = await client.create(widgetType, widget(namespace, "a"));
      await expect(client.delete(widgetType, key, { preconditions: { uid: "other" } })).rejects.toMatchObject(
        { code: 409, reason: "Conflict" },
      );
      await expect(
        client.delete(widgetType, key, { preconditions: { resourceVersion: "1" } }),
      ).rejects.toMatchObject({ code: 409 });
      const { uid = "", resourceVersion = "" } = made.metadata;
      await client.delete(widgetType, key, { preconditions: { uid, resourceVersion } });
      await expect(client.get(widgetType, key)).rejects.toMatchObject({ reason: "NotFound" });
    });

    for (const propagationPolicy of ["Background", "Foreground", "Orphan"] as const) {
      test(`deleting an owner with ${propagationPolicy}`, async () => {
        const namespace = await newNamespace();
        const owner = await client.create(widgetType, widget(namespace, "owner"));
        const reference = {
          apiVersion: owner.apiVersion,
          kind: owner.kind,
          name: "owner",
          uid: owner.metadata.uid ?? "",
          blockOwnerDeletion: true,
        };
        await client.create(widgetType, widget(namespace, "child", { ownerReferences: [reference] }));
        await client.delete(widgetType, { namespace, name: "owner" }, { propagationPolicy });
        await eventually(async () => {
          const left = (await client.list(widgetType, { namespace })).items;
          expect(left.map((item) => item.metadata.name)).toEqual(
            propagationPolicy === "Orphan" ? ["child"] : [],
          );
          expect(left[0]?.metadata.ownerReferences).toBeUndefined();
        });
      });
    }

    test("a namespace takes its objects with it", async () => {
      const namespace = await newNamespace();
      await client.create(widgetType, widget(namespace, "a", { finalizers: ["example.dev/one"] }));
      await client.create(widgetType, widget(namespace, "b"));
      await client.delete(namespaces, { name: namespace });
      await eventually(async () =>
        expect((await client.list(widgetType, { namespace })).items).toHaveLength(1),
      );
      await expect(client.create(widgetType, widget(namespace, "c"))).rejects.toMatchObject({
        code: 403,
        reason: "Forbidden",
      });
      await client.patch(
        widgetType,
        { namespace, name: "a" },
        { type: "merge", body: { metadata: { finalizers: null } } },
      );
      await eventually(() =>
        expect(client.get(namespaces, { name: namespace })).rejects.toMatchObject({ reason: "NotFound" }),
      );
      // kube-controller-manager looks again after 15 s.
    }, 60_000);

    test("server-side apply: conflicts name manager and field, force takes over, what is dropped goes", async () => {
      const namespace = await newNamespace();
      const mine = widget(
        namespace,
        "a",
        {},
        { name: "abc", map: { a: "1" }, items: [{ name: "x", value: "1" }] },
      );
      await client.apply(widgetType, mine, { fieldManager: "one" });
      const theirs = widget(namespace, "a", {}, { name: "abc", map: { a: "2", b: "2" } });
      await expect(client.apply(widgetType, theirs, { fieldManager: "two" })).rejects.toMatchObject({
        code: 409,
        reason: "Conflict",
        message: 'Apply failed with 1 conflict: conflict with "one": .spec.map.a',
        causes: [{ reason: "FieldManagerConflict", field: ".spec.map.a", message: 'conflict with "one"' }],
      });
      const taken = await client.apply(widgetType, theirs, { fieldManager: "two", force: true });
      expect(taken.spec).toEqual({
        name: "abc",
        count: 3,
        map: { a: "2", b: "2" },
        items: [{ name: "x", value: "1" }].map((item) => ({ ...item, size: 1 })),
      });
      const dropped = await client.apply(widgetType, widget(namespace, "a"), { fieldManager: "one" });
      expect(dropped.spec).toEqual({ name: "abc", count: 3, map: { a: "2", b: "2" } });
      const last = await client.apply(widgetType, widget(namespace, "a"), { fieldManager: "two" });
      expect(last.spec).toEqual({ name: "abc", count: 3 });
    });

    test("json patch applies in order and all or nothing", async () => {
      const namespace = await newNamespace();
      const key = { namespace, name: "a" };
      const made = await client.create(widgetType, widget(namespace, "a"));
      const patched = await client.patch<Widget>(widgetType, key, {
        type: "json",
        body: [
          { op: "test", path: "/spec/count", value: 3 },
          { op: "add", path: "/spec/map", value: { a: "b" } },
          { op: "copy", from: "/spec/map/a", path: "/spec/map/c" },
        ],
      });
      expect(patched.spec.map).toEqual({ a: "b", c: "b" });
      await expect(
        client.patch(widgetType, key, {
          type: "json",
          body: [
            { op: "replace", path: "/spec/count", value: 9 },
            { op: "test", path: "/spec/name", value: "no" },
          ],
        }),
      ).rejects.toMatchObject({ code: 422 });
      expect((await client.get<Widget>(widgetType, key)).spec.count).toBe(made.spec.count);
    });

    test("secrets take plain text, leases are updated with their version", async () => {
      const namespace = await newNamespace();
      const secret = await client.create<KubernetesObject>(secrets, {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "s", namespace },
        stringData: { token: "abc" },
      });
      expect(secret["data"]).toEqual({ token: "YWJj" });
      expect(secret["stringData"]).toBeUndefined();
      expect(secret["type"]).toBe("Opaque");
      const lease = await client.create(leases, {
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata: { name: "l", namespace },
        spec: { holderIdentity: "a", leaseDurationSeconds: 15 },
      });
      const renewed = await client.update(leases, {
        ...lease,
        spec: { holderIdentity: "b", leaseDurationSeconds: 15 },
      });
      expect(renewed.spec).toMatchObject({ holderIdentity: "b" });
      await expect(
        client.update(leases, { ...lease, spec: { holderIdentity: "c", leaseDurationSeconds: 15 } }),
      ).rejects.toMatchObject({ reason: "Conflict" });
    });

    test("concurrent writers with one version: exactly one wins", async () => {
      const namespace = await newNamespace();
      const made = await client.create(widgetType, widget(namespace, "a"));
      const attempts = await Promise.allSettled(
        Array.from({ length: 8 }, (_, index) =>
          client.update(widgetType, {
            ...made,
            metadata: { ...made.metadata, labels: { writer: `w${index}` } },
          }),
        ),
      );
      expect(attempts.filter((attempt) => attempt.status === "fulfilled")).toHaveLength(1);
    });

    test("handed out objects are the caller's own", async () => {
      const namespace = await newNamespace();
      const made = await client.create(widgetType, widget(namespace, "a"));
      made.spec.name = "xyz";
      const read = await client.get<Widget>(widgetType, { namespace, name: "a" });
      read.spec.name = "xyz";
      expect((await client.get<Widget>(widgetType, { namespace, name: "a" })).spec.name).toBe("abc");
    });
  });
}
