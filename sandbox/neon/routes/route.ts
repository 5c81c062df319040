import type { Context, Hono } from "hono";
import type { RequestEnvironment } from "../../core/provider.ts";
import type { NeonApiKey } from "../records.ts";

/** Hono environment of Neon's routes: the key that authenticated the request is a variable. */
export interface NeonHono {
  Bindings: RequestEnvironment;
  Variables: { key: NeonApiKey };
}
export type NeonApp = Hono<NeonHono>;
export type NeonContext = Context<NeonHono>;

/** Marks the request as one that changed the world, for the journal. */
export function changed(c: NeonContext): void {
  c.env.changed = true;
}
