/** What the parts of a Preview's graph share. */
import { FlaresmithError } from "../controller/runtime/errors.ts";
import { environmentType } from "./objects.ts";
import type { EnvironmentObject, ObjectReader, PreviewObject, ProjectObject } from "./objects.ts";
import type { Place } from "./place.ts";
import type { PreviewLife } from "./preview-life.ts";

export interface PreviewPlace extends Place<PreviewObject> {
  /** The Environment that it is based on. */
  base: EnvironmentObject;
  life: PreviewLife;
  data: "Branch" | "SchemaOnly" | "None";
}

/** @throws FlaresmithError when the base is missing, or is one of production and nobody says what data may be seen */
export function onBase(place: Place<PreviewObject>, life: PreviewLife): PreviewPlace {
  const { object, options, project } = place;
  const base = baseOf(object, project, options.reader);
  const data = object.spec.data ?? project.spec.previews?.data;
  if (data === undefined && base.spec.stage === "Production" && project.spec.neon) {
    throw new FlaresmithError({
      code: "SPEC_INVALID",
      message: `Preview ${object.metadata.name} is based on ${base.metadata.name}, a Production environment, and does not say what data it may see`,
      field: "spec.data",
      hint: "Set data: Branch (a copy of production's data), SchemaOnly or None on the Preview or under spec.previews of the Project.",
    });
  }
  return { ...place, base, life, data: data ?? "Branch" };
}

function baseOf(object: PreviewObject, project: ProjectObject, reader: ObjectReader): EnvironmentObject {
  const namespace = object.metadata.namespace ?? "";
  const name = object.spec.environmentRef?.name ?? project.spec.previews?.environmentRef?.name;
  if (name === undefined) {
    throw new FlaresmithError({
      code: "SPEC_INVALID",
      message: `Preview ${object.metadata.name} has no base`,
      field: "spec.environmentRef",
      hint: `Set spec.environmentRef here, or spec.previews.environmentRef on Project ${project.metadata.name}.`,
    });
  }
  const base = reader.get<EnvironmentObject>(environmentType, { namespace, name });
  if (base && base.spec.projectRef.name === project.metadata.name) return base;
  throw new FlaresmithError({
    code: "SPEC_REFERENCE_MISSING",
    message: base
      ? `Environment ${name} belongs to another Project`
      : `Environment ${name} does not exist in namespace ${namespace}`,
    field: "spec.environmentRef.name",
    hint: "Name an Environment of the same Project.",
  });
}
