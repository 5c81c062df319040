import { expect, test } from "vitest";
import { ApiError } from "../store/resource-client.ts";
import { decodeProtobuf } from "./protobuf.ts";
import { messageOf } from "./protobuf-messages.ts";

// Bodies that kubectl 1.36.3 sent, in base64.
const decode = (body: string): Record<string, unknown> =>
  decodeProtobuf(Buffer.from(body, "base64"), messageOf);
const SECRET =
  "azhzAAoMCgJ2MRIGU2VjcmV0EjMKFgoGZ2l0aHViEgAaACIAKgAyADgAQgASCQoFZW1wdHkSABIMCgV0b2tlbhIDb25lGgAaACIA";

test("kubectl create secret: values in base64, empty ones kept, unset fields left out", () => {
  expect(decode(SECRET)).toEqual({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "github" },
    data: { token: Buffer.from("one").toString("base64"), empty: "" },
  });
});

test("kubectl create configmap and namespace", () => {
  const configMap =
    "azhzAAoPCgJ2MRIJQ29uZmlnTWFwEiYKHAoIc2V0dGluZ3MSABoEdGVhbSIAKgAyADgAQgASBgoBYRIBYhoAIgA=";
  expect(decode(configMap)).toEqual({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "settings", namespace: "team" },
    data: { a: "b" },
  });
  const namespace = "azhzAAoPCgJ2MRIJTmFtZXNwYWNlEhwKFAoEdGVhbRIAGgAiACoAMgA4AEIAEgAaAgoAGgAiAA==";
  expect(decode(namespace)).toMatchObject({ kind: "Namespace", metadata: { name: "team" } });
});

test("kubectl auth can-i", () => {
  const review =
    "azhzAAoyChdhdXRob3JpemF0aW9uLms4cy5pby92MRIXU2VsZlN1YmplY3RBY2Nlc3NSZXZpZXcSUgoQCgASABoAIgAqADIAOABCABI0CjIKB2RlZmF1bHQSBmNyZWF0ZRoAIgAqF3Byb2plY3RzLmZsYXJlc21pdGguZGV2MgA6ABoICAASABoAIAAaACIA";
  expect(decode(review)).toMatchObject({
    kind: "SelfSubjectAccessReview",
    spec: {
      resourceAttributes: { namespace: "default", verb: "create", resource: "projects.flaresmith.dev" },
    },
  });
});

test("a body cut anywhere is refused or read as what is there, never more", () => {
  const whole = Buffer.from(SECRET, "base64");
  for (let length = 0; length < whole.length; length += 1) {
    try {
      const read = decodeProtobuf(whole.subarray(0, length), messageOf);
      expect(read["kind"]).toBe("Secret");
    } catch (error) {
      expect(error, `cut at ${length}`).toBeInstanceOf(ApiError);
    }
  }
});

test("a kind that is not read, and what is no protobuf, are refused with the remedy", () => {
  const pod = Buffer.concat([
    Buffer.from("k8s\0"),
    Buffer.from([0x0a, 0x09, 0x0a, 0x02, 0x76, 0x31, 0x12, 0x03, 0x50, 0x6f, 0x64]),
  ]);
  expect(() => decodeProtobuf(pod, messageOf)).toThrow('protobuf of Pod in "v1" is not read here: send JSON');
  expect(() => decodeProtobuf(Buffer.from("{}"), messageOf)).toThrow(
    "does not start as protobuf of Kubernetes does",
  );
});
