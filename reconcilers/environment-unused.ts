/** What an Environment asks of a provider that its Project does not use: it waits, everything else goes on (law 7). */
import type { StatusPart } from "../controller/runtime/conditions.ts";
import { errorCodes } from "../controller/runtime/errors.ts";
import type { EnvironmentObject, ProjectObject } from "./objects.ts";

const providers = ["github", "neon", "cloudflare"] as const;
type Provider = (typeof providers)[number];

/** Fields of the Environment that mean something at this provider only. */
function fieldsFor({ spec }: EnvironmentObject, provider: Provider): string[] {
  const target = ({ github: "GitHub", cloudflare: "Worker", neon: undefined } as const)[provider];
  const secrets = (spec.secrets ?? []).flatMap(({ from, name, to }) => {
    const sent = target !== undefined && to.includes(target) ? [`spec.secrets[${name}].to`] : [];
    const made = provider === "neon" && from.neon !== undefined ? [`spec.secrets[${name}].from.neon`] : [];
    return [...made, ...sent];
  });
  return [
    ...(provider === "github" && spec.deploy !== undefined ? ["spec.deploy"] : []),
    ...(spec[provider] === undefined ? [] : [`spec.${provider}`]),
    ...secrets,
  ];
}

/** Undefined when the Project uses every provider that the Environment asks something of. */
export function unusedPart(object: EnvironmentObject, project: ProjectObject): StatusPart | undefined {
  const unmet = providers
    .filter((provider) => project.spec[provider] === undefined)
    .map((provider) => ({ block: `spec.${provider}`, fields: fieldsFor(object, provider) }))
    .filter(({ fields }) => fields.length > 0);
  if (unmet.length === 0) return undefined;
  const { name } = project.metadata;
  const gaps = unmet.map(
    ({ block, fields }) => `${fields.join(", ")}: Project ${name} has no ${block}, so nothing comes of it.`,
  );
  const blocks = unmet.map(({ block }) => block).join(" and ");
  return {
    type: "SpecResolved",
    status: "False",
    reason: errorCodes.SPEC_REFERENCE_MISSING.conditionReason,
    message: `${gaps.join(" ")} Add ${blocks} to Project ${name}, or remove what asks for it.`,
    waitsFor: "person",
  };
}
