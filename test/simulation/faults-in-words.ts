/** A fault plan for people. */
import type { FaultPlan } from "./faults.ts";

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;

export function faultsInWords({ end, periods, rates }: FaultPlan): string {
  const words = [
    ...[...rates].map(([kind, rate]) => `${kind} at ${(rate * 100).toFixed(1)} %`),
    ...periods.map(
      ({ from, kind, provider, to }) => `${kind} (${provider}) from ${seconds(from)} to ${seconds(to)}`,
    ),
  ];
  return words.length === 0 ? "no faults" : `${words.join(", ")}; all over at ${seconds(end)}`;
}
