/** The part of the contract that caches and several writers rely on: marked beginnings, revisions, strictness, status. */
import { expect, test } from "vitest";
import type { ResourceClient } from "../../controller/store/resource-client.ts";
import type { Widget } from "./contract-helpers.ts";
import { widgetType } from "./widget.ts";

/** Declares the tests, inside the suite of one target. */
export function testsOfCaching({
  client,
  newNamespace,
  widget,
}: {
  client: () => ResourceClient;
  newNamespace: () => Promise<string>;
  widget: (namespace: string, object: string, metadata?: object, spec?: Widget["spec"]) => Widget;
}): void {
  test("a watch that sends what exists marks where that ends", async () => {
    const namespace = await newNamespace();
    for (const name of ["a", "b"]) await client().create(widgetType, widget(namespace, name));
    const stop = new AbortController();
    const options = { namespace, sendInitialEvents: true, allowBookmarks: true };
    const seen: string[] = [];
    for await (const event of client().watch<Widget>(widgetType, options, stop.signal)) {
      if (event.type !== "BOOKMARK") seen.push(`${event.type} ${event.object.metadata.name}`);
      else if (event.initialEventsEnd === true) {
        seen.push("end");
        expect(Number(event.resourceVersion)).toBeGreaterThan(0);
        await client().create(widgetType, widget(namespace, "c"));
      }
      if (seen.length === 4) break;
    }
    stop.abort();
    expect([seen.slice(0, 2).toSorted(), seen.slice(2)]).toEqual([
      ["ADDED a", "ADDED b"],
      ["end", "ADDED c"],
    ]);
  });

  test("a list is never older than the revision it is asked for", async () => {
    const namespace = await newNamespace();
    const made = await client().create(widgetType, widget(namespace, "a"));
    const { resourceVersion = "" } = made.metadata;
    expect((await client().list(widgetType, { namespace, limit: 500, resourceVersion })).items).toHaveLength(
      1,
    );
    const future = String(Number(resourceVersion) + 1_000_000);
    await expect(
      client().list(widgetType, { namespace, limit: 500, resourceVersion: future }),
    ).rejects.toMatchObject({ code: 504, causes: [{ reason: "ResourceVersionTooLarge" }] });
  });

  test("fields that the schema does not know are refused by every write", async () => {
    const namespace = await newNamespace();
    const key = { namespace, name: "a" };
    const made = await client().create(widgetType, widget(namespace, "a"));
    const unknown = { name: "abc", colour: "red" };
    const wrong = widget(namespace, "b", {}, unknown);
    const body = { spec: { colour: "red" } };
    const ended = await Promise.allSettled([
      client().create(widgetType, wrong),
      client().update(widgetType, { ...made, spec: unknown }),
      client().patch(widgetType, key, { type: "merge", body }),
      client().patch(widgetType, key, {
        type: "json",
        body: [{ op: "add", path: "/spec/colour", value: 1 }],
      }),
      client().updateStatus(widgetType, { ...made, status: { colour: "red" } }),
      client().patchStatus(widgetType, key, { type: "merge", body: { status: { colour: "red" } } }),
      client().apply(widgetType, wrong, { fieldManager: "m", force: true }),
    ]);
    for (const end of ended)
      expect(end.status === "rejected" ? String(end.reason) : "accepted").toContain("colour");
    expect(await client().get(widgetType, key)).toEqual(made);
    await expect(client().get(widgetType, { namespace, name: "b" })).rejects.toMatchObject({ code: 404 });
  });

  test("a status is applied by its own manager, and only where the object exists", async () => {
    const namespace = await newNamespace();
    const status = { ...widget(namespace, "a"), status: { note: "n" } };
    const options = { fieldManager: "state", subresource: "status" } as const;
    await expect(client().apply(widgetType, status, options)).rejects.toMatchObject({ code: 404 });
    await client().create(widgetType, widget(namespace, "a"));
    const applied = await client().apply<Widget>(widgetType, status, options);
    expect(applied.status).toMatchObject({ note: "n" });
    expect(applied.metadata.managedFields?.find(({ manager }) => manager === "state")).toMatchObject({
      operation: "Apply",
      subresource: "status",
    });
    const { status: _, ...rest } = status;
    const dropped = await client().apply<Widget>(widgetType, rest, options);
    expect(dropped.status).not.toHaveProperty("note");
  });
}
