import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Node's options in the image, so that what is measured runs as it runs there. @throws Error when the Dockerfile sets none */
export function imageOptions(): string {
  const dockerfile = readFileSync(join(import.meta.dirname, "..", "Dockerfile"), "utf8");
  const [, options] = /NODE_OPTIONS="([^"]+)"/.exec(dockerfile) ?? [];
  if (options === undefined) throw new Error("the Dockerfile sets no NODE_OPTIONS");
  return options;
}
