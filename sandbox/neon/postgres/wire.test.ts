import fc from "fast-check";
import { expect, test } from "vitest";
import { endpointInPassword, fatal, readPassword, readStartup, startupPacket, takeEndpoint } from "./wire.ts";

const word = fc.stringMatching(/^[a-z_ =-]{1,20}$/);

test("a start-up packet is read as it was written, however it is cut up, and bytes behind it stay", () => {
  fc.assert(
    fc.property(fc.dictionary(word, word), fc.uint8Array({ maxLength: 20 }), (fields, rest) => {
      const parameters = new Map(Object.entries(fields));
      const packet = startupPacket(196_608, parameters);
      const whole = Buffer.concat([packet, rest]);
      expect(readStartup(packet.subarray(0, packet.length - 1))).toBeUndefined();
      expect(readStartup(whole)).toEqual({
        request: { kind: "startup", version: 196_608, parameters },
        size: packet.length,
      });
    }),
  );
});

test("noise is refused or waited for, never a crash of another kind", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      for (const read of [readStartup, readPassword]) {
        try {
          const found = read(Buffer.from(bytes));
          if (found) expect(found.size).toBeLessThanOrEqual(bytes.length);
        } catch (error) {
          expect((error as Error).message).toMatch(
            /^(invalid length of startup packet|unsupported frontend protocol|expected password response)/,
          );
        }
      }
    }),
  );
});

test("the endpoint is taken out of the options, the rest stays", () => {
  expect(takeEndpoint("endpoint=ep-cool-sea-1 -c statement_timeout=5s")).toEqual({
    endpoint: "ep-cool-sea-1",
    rest: "-c statement_timeout=5s",
  });
  expect(takeEndpoint("project=ep-cool-sea-1")).toEqual({ endpoint: "ep-cool-sea-1", rest: "" });
  expect(takeEndpoint("-c search_path=a")).toEqual({ endpoint: undefined, rest: "-c search_path=a" });
});

test("a password may carry the endpoint", () => {
  expect(endpointInPassword("endpoint=ep-cool-sea-1;npg_x;y")).toEqual({
    endpoint: "ep-cool-sea-1",
    password: "npg_x;y",
  });
  expect(endpointInPassword("endpoint=ep-cool-sea-1$npg_x")).toEqual({
    endpoint: "ep-cool-sea-1",
    password: "npg_x",
  });
  expect(endpointInPassword("npg_x")).toEqual({ endpoint: undefined, password: "npg_x" });
});

test("a fatal error has the length it says", () => {
  const packet = fatal("28P01", "password authentication failed for user 'ä'");
  expect(packet.readUInt32BE(1)).toBe(packet.length - 1);
});
