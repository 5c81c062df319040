import type { SandboxRandom } from "../core/clock.ts";

const adjectives =
  "autumn bitter bold calm cold cool crimson damp dark dawn delicate divine dry empty fancy flat fragrant frosty gentle green hidden holy icy late lingering little lively long lucky misty morning muddy nameless noisy odd old orange patient plain polished proud purple quiet rapid raspy red restless rough round royal shiny shy silent small snowy soft solitary sparkling spring square steep still summer super sweet tight tiny twilight wandering weathered white wild winter wispy withered yellow young".split(
    " ",
  );
const nouns =
  "art band bar base bird block boat bonus bread breeze brook bush butterfly cake cell cherry cloud credit darkness dawn dew disk dream dust feather field fire firefly flower fog forest frog frost glade glitter grass hall hat haze heart hill king lab lake leaf limit math meadow mode moon morning mountain mouse mud night paper pine poetry pond queen rain recipe resonance rice river salad scene sea shadow shape silence sky smoke snow snowflake sound star sun sunset surf term thunder tooth tree truth union unit violet voice water waterfall wave wildflower wind wood".split(
    " ",
  );

const letters = "abcdefghijklmnopqrstuvwxyz0123456789";
const mixed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

function word(random: SandboxRandom, words: readonly string[]): string {
  return words[Math.floor(random.next() * words.length)] ?? "plain";
}

/** A project id such as `shiny-wind-02883412`. */
export function projectId(random: SandboxRandom): string {
  return `${word(random, adjectives)}-${word(random, nouns)}-${random.string(8, "0123456789")}`;
}

/** A branch id such as `br-cool-sea-a1b2c3d4`. */
export function branchId(random: SandboxRandom): string {
  return `br-${word(random, adjectives)}-${word(random, nouns)}-${random.string(8, letters)}`;
}

/** An endpoint id such as `ep-cool-sea-a1b2c3d4`. */
export function endpointId(random: SandboxRandom): string {
  return `ep-${word(random, adjectives)}-${word(random, nouns)}-${random.string(8, letters)}`;
}

/** A branch name as Neon makes one when the request names none, such as `br-lucky-mode`. */
export function generatedBranchName(random: SandboxRandom): string {
  return `br-${word(random, adjectives)}-${word(random, nouns)}-${random.string(8, letters)}`;
}

/** A role password in the form of Neon's: `npg_` and twelve letters and digits. */
export function rolePassword(random: SandboxRandom): string {
  return `npg_${random.string(12, mixed)}`;
}

/** A log sequence number that looks like one, such as `0/1DE2850`. */
export function logSequenceNumber(random: SandboxRandom): string {
  return `0/${random.string(7, "123456789ABCDEF")}`;
}

/** RFC 3339 in UTC with milliseconds. */
export function timestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

/** RFC 3339 in UTC with second precision, as `expires_at` is shown. */
export function secondsTimestamp(milliseconds: number): string {
  return `${timestamp(milliseconds).slice(0, 19)}Z`;
}
