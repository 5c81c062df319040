import { describe, expect, it } from "vitest";
import {
  causeChain,
  conditionMessage,
  conditionReason,
  errorCodes,
  errorEnvelope,
  errorText,
  FlaresmithError,
  isFlaresmithError,
} from "./errors.ts";

const envelopeOf = (error: FlaresmithError) =>
  errorEnvelope({ error, requestId: "r-1", timestamp: "2026-01-02T03:04:05Z" });

describe("errors", () => {
  it("every code has a CamelCase reason, an HTTP status and a remedy that is a sentence", () => {
    for (const [code, entry] of Object.entries(errorCodes)) {
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)+$/);
      expect(entry.conditionReason).toMatch(/^([A-Z][a-z]+)+$/);
      expect(entry.hint).toMatch(/^[A-Z].*\.$/);
      expect(entry.httpStatus).toBeGreaterThanOrEqual(400);
    }
  });

  it("the preview limit becomes PreviewLimitReached and 409", () => {
    const error = new FlaresmithError({
      code: "ENV_PREVIEW_LIMIT_REACHED",
      message: "15 of 15 previews exist",
    });
    expect(conditionReason(error)).toBe("PreviewLimitReached");
    expect(envelopeOf(error).status).toBe(409);
  });

  it("the envelope has every promised field and no stack", () => {
    const inner = new FlaresmithError({
      code: "INTEGRATION_TIMEOUT",
      message: "no answer within 30s",
      context: { provider: "neon" },
    });
    const error = new FlaresmithError({
      code: "INTEGRATION_UNAVAILABLE",
      message: "neon answers 503",
      context: { provider: "neon" },
      field: "spec.neon",
      cause: new Error("socket", { cause: inner }),
    });
    expect(envelopeOf(error)).toEqual({
      status: 503,
      body: {
        error: {
          code: "INTEGRATION_NEON_UNAVAILABLE",
          message: "neon answers 503",
          severity: "error",
          retryPolicy: "safe",
          requestId: "r-1",
          timestamp: "2026-01-02T03:04:05Z",
          context: { provider: "neon", field: "spec.neon" },
          hint: errorCodes.INTEGRATION_UNAVAILABLE.hint,
          causeChain: ["INTEGRATION_NEON_TIMEOUT"],
        },
      },
    });
  });

  it("a cause chain with a cycle or the same code twice ends and lists each once", () => {
    const a = new FlaresmithError({ code: "SPEC_INVALID", message: "a" });
    const b = new FlaresmithError({ code: "STORE_CONFLICT", message: "b", cause: a });
    const c = new FlaresmithError({ code: "STORE_CONFLICT", message: "c", cause: b });
    Object.defineProperty(a, "cause", { value: c });
    expect(causeChain(c)).toEqual(["SPEC_INVALID"]);
  });

  it("a condition's message says the field, what, and what to do", () => {
    const error = new FlaresmithError({
      code: "SPEC_INVALID",
      message: "the region is not known",
      field: "spec.neon.region",
      hint: "Use one of a, b.",
    });
    expect(conditionMessage(error)).toBe("spec.neon.region: the region is not known. Use one of a, b.");
  });

  it("the place that knows better overrides class and hint", () => {
    const error = new FlaresmithError({
      code: "INTEGRATION_BUSY",
      message: "m",
      class: "terminal",
      until: 5,
      hint: "h",
    });
    expect(error).toMatchObject({ class: "terminal", until: 5, hint: "h" });
    expect(isFlaresmithError(error, "INTEGRATION_BUSY")).toBe(true);
    expect(isFlaresmithError(error, "SPEC_INVALID")).toBe(false);
    expect(errorText("x")).toBe("x");
  });
});
