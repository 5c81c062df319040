import { describe, expect, it } from "vitest";
import { secretValues } from "../../controller/runtime/secret-value.ts";
import { createMarker } from "./marker.ts";
import { witnessKey, witnessOf } from "./witness.ts";

const of = (name: string, nonce = ""): ReturnType<typeof createMarker> =>
  createMarker({ installation: "test", namespace: "default", kind: "Environment", name, slot: "api" }, nonce);
/** Every store has its own key. */
const secrets = (password: string, store = "store"): Parameters<typeof witnessOf>[2] => ({
  PASSWORD: secretValues(store)(password),
});

describe("a witness of secret values", () => {
  it("is the same for another store, another nonce and another order", () => {
    const key = witnessKey("token");
    const make = secretValues("store");
    const one = witnessOf(key, of("dev", "n1"), { A: make("1"), B: make("2") });
    const again = secretValues("another store");
    expect(witnessOf(witnessKey("token"), of("dev", "n2"), { B: again("2"), A: again("1") })).toBe(one);
    expect(one).toMatch(/^[0-9a-f]{32}$/);
  });

  it("is another one for another value, name, slot or credential, and tells nothing without the credential", () => {
    const key = witnessKey("token");
    const one = witnessOf(key, of("dev"), secrets("hunter2"));
    const others = [
      witnessOf(key, of("dev"), secrets("hunter3")),
      witnessOf(key, of("dev"), { OTHER: secretValues("store")("hunter2") }),
      witnessOf(key, of("staging"), secrets("hunter2")),
      witnessOf(witnessKey("another token"), of("dev"), secrets("hunter2")),
      witnessOf(witnessKey(""), of("dev"), secrets("hunter2")),
    ];
    expect(new Set([one, ...others]).size).toBe(6);
  });

  it("is empty where there is nothing to vouch for", () => {
    expect(witnessOf(witnessKey("token"), of("dev"), {})).toBe("");
  });
});
