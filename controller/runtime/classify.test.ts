import { expect, it } from "vitest";
import { ApiError } from "../store/resource-client.ts";
import { virtualClock } from "./adapters/virtual.ts";
import { classifyError } from "./classify.ts";
import { FlaresmithError } from "./errors.ts";

it("refusals of the store are told apart", () => {
  const clock = virtualClock();
  const refusal = (code: number, reason: string, details = {}) =>
    classifyError(
      new ApiError({
        code,
        reason,
        message: "m",
        details,
        causes: [{ reason: "r", message: "m", field: "spec.x" }],
      }),
      clock,
    );
  expect(refusal(409, "Conflict").class).toBe("conflict");
  expect(refusal(404, "NotFound").class).toBe("conflict");
  expect(refusal(503, "ServiceUnavailable", { retryAfterSeconds: 2 })).toMatchObject({
    code: "STORE_UNAVAILABLE",
    class: "transient",
    until: clock.now() + 2000,
  });
  for (const [code, reason] of [
    [401, "Unauthorized"],
    [403, "Forbidden"],
  ] as const) {
    expect(refusal(code, reason)).toMatchObject({
      code: "STORE_UNAVAILABLE",
      class: "transient",
      hint: expect.stringContaining("RBAC"),
    });
  }
  expect(refusal(422, "Invalid")).toMatchObject({
    code: "STORE_REJECTED",
    class: "terminal",
    field: "spec.x",
  });
  const ours = new FlaresmithError({ code: "SPEC_INVALID", message: "m" });
  expect(classifyError(new Error("sdk", { cause: ours }), clock)).toBe(ours);
});
