/** Where GitHub reaches the webhooks, as people type it. */
import { CommandError, exitCodes } from "../failure.ts";

/** As it becomes part of a webhook's address: a query or a fragment would swallow the path behind it. */
const SHAPE = /^https?:\/\/[^\s?#]+$/i;

/**
 * Reads `--public-url`.
 * @throws CommandError with exit code 2 for anything but an http or https URL
 */
export function readPublicUrl(text: string | undefined): string | undefined {
  if (text === undefined || (SHAPE.test(text) && URL.canParse(text))) return text;
  throw new CommandError(
    `--public-url ${JSON.stringify(text)} is no URL that GitHub could send webhooks to`,
    {
      hint: "Write an http or https URL without a query, such as https://flaresmith.example.com.",
      exitCode: exitCodes.usage,
    },
  );
}
