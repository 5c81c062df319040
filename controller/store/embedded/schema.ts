export type { StructuralSchema as Schema } from "../../../crds/schema/structural.ts";
