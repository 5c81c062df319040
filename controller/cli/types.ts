/** The kinds that commands know, and how people may call them. */
import { kinds, resourceType } from "../../crds/index.ts";
import type { KindDefinition } from "../../crds/kind.ts";
import type { ResourceType } from "../store/resource-client.ts";
import { CommandError, exitCodes } from "./failure.ts";

const core = (kind: string, plural: string, namespaced: boolean): ResourceType =>
  Object.freeze({ group: "", version: "v1", kind, plural, namespaced });

export const secretType = core("Secret", "secrets", true);
export const configMapType = core("ConfigMap", "configmaps", true);
export const namespaceType = core("Namespace", "namespaces", false);

function kindNamed(name: string): KindDefinition {
  const found = kinds.find(({ kind }) => kind === name);
  if (found === undefined) throw new RangeError(`there is no kind ${name}`);
  return found;
}

const typeNamed = (name: string): ResourceType => Object.freeze(resourceType(kindNamed(name)));

export const connectionType = typeNamed("Connection");
export const sourceType = typeNamed("Source");
export const projectType = typeNamed("Project");
export const environmentType = typeNamed("Environment");
export const previewType = typeNamed("Preview");

/** In the order in which people read them. */
export const shownTypes: readonly ResourceType[] = Object.freeze([
  connectionType,
  sourceType,
  projectType,
  environmentType,
  previewType,
]);

/**
 * The kind that a person means: kind, plural, singular or short name, in any case.
 * @throws CommandError with exit code 2 that lists what there is
 */
export function kindCalled(text: string): KindDefinition {
  const wanted = text.toLowerCase();
  const found = kinds.find(({ kind, plural, singular, shortNames }) =>
    [kind.toLowerCase(), plural, singular, ...shortNames].includes(wanted),
  );
  if (found !== undefined) return found;
  throw new CommandError(`there is no kind ${JSON.stringify(text)}`, {
    hint: `One of ${kinds.map(({ plural }) => plural).join(", ")}.`,
    exitCode: exitCodes.usage,
  });
}
