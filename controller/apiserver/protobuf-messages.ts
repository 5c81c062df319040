/** Field numbers of the messages that kubectl sends (k8s.io/api and k8s.io/apimachinery, `generated.proto`). */
import type { Message } from "./protobuf.ts";

const ownerReference: Message = {
  1: ["kind", "text"],
  3: ["name", "text"],
  4: ["uid", "text"],
  5: ["apiVersion", "text"],
  6: ["controller", "flag"],
  7: ["blockOwnerDeletion", "flag"],
};

const managedFields: Message = {
  1: ["manager", "text"],
  2: ["operation", "text"],
  3: ["apiVersion", "text"],
  4: ["time", "time"],
  6: ["fieldsType", "text"],
  7: ["fieldsV1", "rawJson"],
  8: ["subresource", "text"],
};

const objectMeta: Message = {
  1: ["name", "text"],
  2: ["generateName", "text"],
  3: ["namespace", "text"],
  5: ["uid", "text"],
  6: ["resourceVersion", "text"],
  7: ["generation", "integer"],
  8: ["creationTimestamp", "time"],
  9: ["deletionTimestamp", "time"],
  10: ["deletionGracePeriodSeconds", "integer"],
  11: ["labels", "textMap"],
  12: ["annotations", "textMap"],
  13: ["ownerReferences", { messages: ownerReference }],
  14: ["finalizers", "texts"],
  17: ["managedFields", { messages: managedFields }],
};

const metadata = ["metadata", { message: objectMeta }] as const;

const objectReference: Message = {
  1: ["kind", "text"],
  2: ["namespace", "text"],
  3: ["name", "text"],
  4: ["uid", "text"],
  5: ["apiVersion", "text"],
  6: ["resourceVersion", "text"],
  7: ["fieldPath", "text"],
};

const eventSource: Message = { 1: ["component", "text"], 2: ["host", "text"] };
const eventSeries: Message = { 1: ["count", "integer"], 2: ["lastObservedTime", "microTime"] };

const coreEvent: Message = {
  1: metadata,
  2: ["involvedObject", { message: objectReference }],
  3: ["reason", "text"],
  4: ["message", "text"],
  5: ["source", { message: eventSource }],
  6: ["firstTimestamp", "time"],
  7: ["lastTimestamp", "time"],
  8: ["count", "integer"],
  9: ["type", "text"],
  10: ["eventTime", "microTime"],
  11: ["series", { message: eventSeries }],
  12: ["action", "text"],
  13: ["related", { message: objectReference }],
  14: ["reportingComponent", "text"],
  15: ["reportingInstance", "text"],
};

const newEvent: Message = {
  1: metadata,
  2: ["eventTime", "microTime"],
  3: ["series", { message: eventSeries }],
  4: ["reportingController", "text"],
  5: ["reportingInstance", "text"],
  6: ["action", "text"],
  7: ["reason", "text"],
  8: ["regarding", { message: objectReference }],
  9: ["related", { message: objectReference }],
  10: ["note", "text"],
  11: ["type", "text"],
  12: ["deprecatedSource", { message: eventSource }],
  13: ["deprecatedFirstTimestamp", "time"],
  14: ["deprecatedLastTimestamp", "time"],
  15: ["deprecatedCount", "integer"],
};

const lease: Message = {
  1: metadata,
  2: [
    "spec",
    {
      message: {
        1: ["holderIdentity", "text"],
        2: ["leaseDurationSeconds", "integer"],
        3: ["acquireTime", "microTime"],
        4: ["renewTime", "microTime"],
        5: ["leaseTransitions", "integer"],
        6: ["strategy", "text"],
        7: ["preferredHolder", "text"],
      },
    },
  ],
};

const deleteOptions: Message = {
  1: ["gracePeriodSeconds", "integer"],
  2: ["preconditions", { message: { 1: ["uid", "text"], 2: ["resourceVersion", "text"] } }],
  3: ["orphanDependents", "flag"],
  4: ["propagationPolicy", "text"],
  5: ["dryRun", "texts"],
};

const accessReviewSpec: Message = {
  1: [
    "resourceAttributes",
    {
      message: {
        1: ["namespace", "text"],
        2: ["verb", "text"],
        3: ["group", "text"],
        4: ["version", "text"],
        5: ["resource", "text"],
        6: ["subresource", "text"],
        7: ["name", "text"],
      },
    },
  ],
  2: ["nonResourceAttributes", { message: { 1: ["path", "text"], 2: ["verb", "text"] } }],
};

const byKind: Readonly<Record<string, Message>> = {
  "v1 Secret": {
    1: metadata,
    2: ["data", "bytesMap"],
    3: ["type", "text"],
    4: ["stringData", "textMap"],
    5: ["immutable", "flag"],
  },
  "v1 ConfigMap": {
    1: metadata,
    2: ["data", "textMap"],
    3: ["binaryData", "bytesMap"],
    4: ["immutable", "flag"],
  },
  "v1 Namespace": {
    1: metadata,
    2: ["spec", { message: { 1: ["finalizers", "texts"] } }],
    3: ["status", { message: { 1: ["phase", "text"] } }],
  },
  "v1 Event": coreEvent,
  "events.k8s.io/v1 Event": newEvent,
  "coordination.k8s.io/v1 Lease": lease,
  "v1 DeleteOptions": deleteOptions,
  "meta.k8s.io/v1 DeleteOptions": deleteOptions,
  "authorization.k8s.io/v1 SelfSubjectAccessReview": {
    1: metadata,
    2: ["spec", { message: accessReviewSpec }],
  },
  "authorization.k8s.io/v1 SelfSubjectRulesReview": {
    1: metadata,
    2: ["spec", { message: { 1: ["namespace", "text"] } }],
  },
  "authentication.k8s.io/v1 SelfSubjectReview": { 1: metadata },
};

/** The message of a kind; undefined for one that clients are not known to send as protobuf. */
export function messageOf(apiVersion: string, kind: string): Message | undefined {
  return kind === "DeleteOptions" ? deleteOptions : byKind[`${apiVersion} ${kind}`];
}
