/** Where the embedded API answers otherwise on purpose. Each stands, with its reason, in specs/003-kubernetes-api. */
import { isDeepStrictEqual } from "node:util";
import type { Answer } from "./exchange.ts";
import type { Request } from "./requests.ts";

interface Exchanged {
  request: Request;
  /** As kube-apiserver answered, and as the embedded API did. */
  real: Answer;
  own: Answer;
}

interface AcceptedDifference {
  what: string;
  applies: (exchanged: Exchanged) => boolean;
  /** One server has stored something and the other has not: a sequence ends here. */
  diverges?: true;
}

function text({ body }: Answer, field: "message" | "reason"): string {
  const value = (body as Record<string, unknown> | undefined)?.[field];
  return typeof value === "string" ? value : "";
}
const message = (answer: Answer): string => text(answer, "message");

const sameRefusal = ({ real, own }: Exchanged): boolean =>
  real.code === own.code && real.code >= 400 && text(real, "reason") === text(own, "reason");

/** Words of Go's decoders. */
const DECODERS = new RegExp(
  [
    "json: cannot unmarshal",
    "json parse error",
    "parsing time",
    "illegal base64",
    "error decoding (patch|YAML)",
    'no kind "',
    "invalid character",
    "unexpected end of JSON",
    "yaml: ",
    "Object '\\w+' is missing",
    "Invalid JSON Patch",
  ].join("|"),
);
const PATCH_CAUSE = ' "" is invalid: patch: ';
const TYPED = "failed to create typed patch object";

export const acceptedDifferences: readonly AcceptedDifference[] = [
  // Other words for the same refusal.
  {
    what: "a body that cannot be read",
    applies: (exchanged) => sameRefusal(exchanged) && DECODERS.test(message(exchanged.real)),
  },
  {
    what: "a JSON patch that does not fit",
    applies: (exchanged) =>
      sameRefusal(exchanged) &&
      message(exchanged.real) === "the server rejected our request due to an error in our request" &&
      message(exchanged.own).startsWith(`${message(exchanged.real)}: `),
  },
  {
    what: "a patch that makes an object unreadable",
    applies: (exchanged) =>
      sameRefusal(exchanged) &&
      message(exchanged.real).startsWith(PATCH_CAUSE) &&
      message(exchanged.own).startsWith(PATCH_CAUSE),
  },
  {
    what: "an applied configuration that does not fit",
    applies: (exchanged) =>
      sameRefusal(exchanged) &&
      message(exchanged.real).startsWith(TYPED) &&
      message(exchanged.own).startsWith(TYPED),
  },
  {
    what: "a media type that is not served",
    applies: (exchanged) => sameRefusal(exchanged) && [406, 415].includes(exchanged.real.code),
  },
  // Mistakes of the client that kube-apiserver answers with 500.
  {
    what: "a version that is no number",
    applies: ({ real, own }) =>
      real.code === 500 && message(real).includes("strconv.ParseUint") && [400, 409].includes(own.code),
  },
  {
    what: "an applied value that cannot be read",
    applies: ({ real, own }) =>
      real.code === 500 &&
      message(real).includes("unable to convert unstructured object") &&
      [400, 409].includes(own.code),
  },
  {
    what: "a directive that strategic merge does not know",
    applies: ({ real, own }) =>
      real.code === 500 && message(real).startsWith("unknown patch type") && own.code === 400,
  },
  {
    what: "one object asked for as a list",
    applies: ({ real, own }) =>
      real.code === 500 && message(real) === "content is not a list" && own.code === 406,
  },
  // Methods and media types.
  {
    what: "a method that does not fit its path",
    applies: ({ real, own }) => own.code === 405 && real.code >= 400,
  },
  {
    what: "HEAD of a built-in type",
    applies: ({ request, real }) => request.method === "HEAD" && real.code === 405,
  },
  {
    what: "application/* of a built-in type",
    applies: ({ request, real, own }) =>
      request.headers["accept"] === "application/*" && real.code === 406 && own.code !== 406,
  },
  // Warnings.
  {
    what: "a strategic merge patch with unknown fields",
    applies: ({ request, real, own }) =>
      request.headers["content-type"] === "application/strategic-merge-patch+json" &&
      real.headers["warning"] === "" &&
      real.code === own.code &&
      isDeepStrictEqual(real.body, own.body),
  },
  // Defects of kube-apiserver.
  {
    what: "an applied map or list that its owner empties",
    diverges: true,
    applies: ({ request, real, own }) =>
      request.headers["content-type"] === "application/apply-patch+yaml" &&
      real.code === 422 &&
      /must be of type (object|array): \\?"null\\?"/.test(JSON.stringify(real.body)) &&
      [200, 422].includes(own.code),
  },
];
