/** Types that are served in another form than they are stored in: the other version of Events. */
import { parseObject } from "./state.ts";
import type { TypeDefinition } from "./type-definition.ts";
import type { TextWatchEvent } from "./watch.ts";

/** The JSON of an object as its type is served. */
export function viewText(definition: TypeDefinition, text: string): string {
  return definition.viewOf === undefined
    ? text
    : JSON.stringify(definition.viewOf.fromStored(parseObject(text)));
}

/** The events of a watch, with every object as its type is served. */
export async function* viewEvents(
  definition: TypeDefinition,
  events: AsyncIterable<TextWatchEvent>,
): AsyncGenerator<TextWatchEvent> {
  for await (const event of events) {
    yield event.type === "BOOKMARK" ? event : { ...event, text: viewText(definition, event.text) };
  }
}
