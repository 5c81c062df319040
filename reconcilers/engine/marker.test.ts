/** Whose a mark is: as a whole text, as a hash, and of which installation. */
import { expect, test } from "vitest";
import { createMarker, isOfInstallation, markerHash, markerOfMark, readMarkerText } from "./marker.ts";

const parts = {
  installation: "acme",
  namespace: "default",
  kind: "Environment",
  name: "shop-dev",
  slot: "cloudflareWorker/api",
};
const marker = createMarker(parts, "0123456789abcdef");

test("a text says whose it is, slots with slashes included; the nonce does not matter", () => {
  expect(marker.text).toBe("acme/default/Environment/shop-dev/cloudflareWorker/api#0123456789abcdef");
  expect(readMarkerText(marker.text)).toEqual(parts);
  expect(marker.classify(createMarker(parts, "other").text)).toBe("ours");
  expect(marker.classify(createMarker({ ...parts, slot: "neonBranch" }, "").text)).toBe("foreign");
});

test.each(["", "acme", "acme/default/Project", "acme/default/Project/shop/neonProject", "a b/c/d/e/f#g"])(
  "%j is no marker",
  (text) => {
    expect(marker.classify(text)).toBe("unmarked");
    expect(readMarkerText(text)).toBeUndefined();
    expect(isOfInstallation(text, "acme")).toBe(false);
  },
);

test("text and hash both tell the installation, and names that begin alike are others", () => {
  const other = createMarker({ ...parts, installation: "acme2" }, "");
  for (const mark of [marker.text, marker.hash]) {
    expect(isOfInstallation(mark, "acme")).toBe(true);
    expect(isOfInstallation(mark, "acme2")).toBe(false);
    expect(isOfInstallation(mark, "acm")).toBe(false);
  }
  for (const mark of [other.text, other.hash]) expect(isOfInstallation(mark, "acme")).toBe(false);
  expect(isOfInstallation(`${marker.hash}0`, "acme")).toBe(false);
});

test("a hash fits a GitHub topic and stands for the parts alone", () => {
  expect(marker.hash).toMatch(/^[0-9a-f]{12}-[0-9a-f]{24}$/);
  expect(`flaresmith-${marker.hash}`.length).toBeLessThanOrEqual(50);
  expect(markerHash(parts)).toBe(marker.hash);
  expect(markerHash({ ...parts, name: "shop-qa" })).not.toBe(marker.hash);
});

test("the very mark that was found is recognised again, by text and by hash", () => {
  const other = createMarker({ ...parts, name: "shop-qa" }, "1");
  for (const found of [markerOfMark(marker.text), markerOfMark(marker.hash)]) {
    expect(found.classify(marker.text)).toBe("ours");
    expect(found.classifyHash(marker.hash)).toBe("ours");
    expect(found.classify(other.text)).toBe("foreign");
    expect(found.classifyHash(other.hash)).toBe("foreign");
    expect(found.classify("some text")).toBe("unmarked");
    expect(found.classify(undefined)).toBe("unmarked");
    expect(found.classifyHash(undefined)).toBe("unmarked");
  }
});
