/** `flaresmith crds`: the CustomResourceDefinitions, for `kubectl apply -f -`. */
import { stringify } from "yaml";
import { crdOf, kinds } from "../../../crds/index.ts";
import { exitCodes } from "../failure.ts";
import type { Terminal } from "../terminal.ts";

/** Prints all of them: YAML documents, or one List as JSON. */
export function crds(options: { output: "text" | "json" }, terminal: Terminal): number {
  const items = kinds.map(crdOf);
  if (options.output === "json")
    terminal.line(JSON.stringify({ apiVersion: "v1", kind: "List", items }, null, 2));
  else
    terminal.line(
      items.map((item) => stringify(item, { aliasDuplicateObjects: false }).trimEnd()).join("\n---\n"),
    );
  return exitCodes.ok;
}
