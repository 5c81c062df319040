/**
 * What must hold for the conditions of every object after every reconcile: Flux's FAIL0001–0011, in our words.
 * FAIL0010 (the root observedGeneration lags while Reconciling) is left out: kstatus compares generations before it looks
 * at conditions, and correcting drift reconciles a generation that was observed before.
 *
 * @see https://github.com/fluxcd/pkg/blob/main/runtime/conditions/check/fail.go
 */
import { getCondition, isTrue } from "./conditions.ts";
import type { Condition } from "./conditions.ts";

/** The parts of an object that the invariants look at. */
export interface Conditioned {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string | undefined;
    readonly generation?: number | undefined;
  };
  readonly status?:
    | {
        readonly observedGeneration?: number | undefined;
        readonly conditions?: readonly Condition[] | undefined;
      }
    | undefined;
}

export interface ConditionViolation {
  /** `FAIL0001` and so on for Flux's rules, `FLARE0001` and so on for ours. */
  readonly id: string;
  readonly text: string;
}

interface Facts {
  readonly conditions: readonly Condition[];
  readonly generation: number;
  readonly observed: number;
  readonly ready: Condition | undefined;
}

interface Invariant {
  readonly id: string;
  readonly text: string;
  /** The offenders, or an empty list when the invariant holds. */
  readonly offenders: (facts: Facts) => readonly string[];
}

const negative: readonly string[] = ["Reconciling", "Stalled"];
const failIf = (broken: boolean, offender = "Ready"): readonly string[] => (broken ? [offender] : []);
const typesWhere = (facts: Facts, test: (condition: Condition) => boolean): readonly string[] =>
  facts.conditions.filter(test).map((condition) => condition.type);

const invariants: readonly Invariant[] = Object.freeze([
  {
    id: "FAIL0001",
    text: "a condition of negative polarity is True although Ready is True",
    offenders: (facts) =>
      facts.ready?.status === "True"
        ? typesWhere(facts, ({ type, status }) => negative.includes(type) && status === "True")
        : [],
  },
  {
    id: "FAIL0002",
    text: "Ready is missing",
    offenders: ({ ready }) => failIf(ready === undefined),
  },
  {
    id: "FAIL0003",
    text: "Ready is not False although Reconciling is True",
    offenders: ({ conditions, ready }) =>
      failIf(isTrue(conditions, "Reconciling") && ready !== undefined && ready.status !== "False"),
  },
  {
    id: "FAIL0004",
    text: "Ready is not False although Stalled is True",
    offenders: ({ conditions, ready }) =>
      failIf(isTrue(conditions, "Stalled") && ready !== undefined && ready.status !== "False"),
  },
  {
    id: "FAIL0005",
    text: "Reconciling and Stalled are both present",
    offenders: ({ conditions }) =>
      negative.every((type) => getCondition(conditions, type) !== undefined) ? negative : [],
  },
  {
    id: "FAIL0006",
    text: "status.observedGeneration is greater than metadata.generation",
    offenders: ({ observed, generation }) => failIf(observed > generation, `${observed} > ${generation}`),
  },
  {
    id: "FAIL0007",
    text: "Ready is True although status.observedGeneration lags behind metadata.generation",
    offenders: ({ observed, generation, ready }) =>
      failIf(ready?.status === "True" && observed < generation, `${observed} < ${generation}`),
  },
  {
    id: "FAIL0008",
    text: "Ready is True although a condition's observedGeneration lags behind metadata.generation",
    offenders: (facts) =>
      facts.ready?.status === "True"
        ? typesWhere(facts, (condition) => (condition.observedGeneration ?? -1) < facts.generation)
        : [],
  },
  {
    id: "FAIL0009",
    text: "Ready is True although a condition's observedGeneration differs from status.observedGeneration",
    offenders: (facts) =>
      facts.ready?.status === "True"
        ? typesWhere(facts, (condition) => condition.observedGeneration !== facts.observed)
        : [],
  },
  {
    id: "FAIL0011",
    text: "Ready is Unknown although Reconciling is not True",
    offenders: ({ conditions, ready }) =>
      failIf(ready?.status === "Unknown" && !isTrue(conditions, "Reconciling")),
  },
  {
    id: "FLARE0001",
    text: "Reconciling or Stalled is present without being True",
    offenders: (facts) =>
      typesWhere(facts, ({ type, status }) => negative.includes(type) && status !== "True"),
  },
  {
    id: "FLARE0002",
    text: "a condition type occurs twice",
    offenders: ({ conditions }) =>
      conditions.map(({ type }) => type).filter((type, index, types) => types.indexOf(type) !== index),
  },
  {
    id: "FLARE0003",
    text: "a condition has no CamelCase reason, no message, or a lastTransitionTime that is not RFC 3339 with seconds",
    offenders: (facts) =>
      typesWhere(
        facts,
        ({ reason, message, lastTransitionTime }) =>
          !/^[A-Z][A-Za-z0-9]*$/.test(reason) ||
          message === "" ||
          !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(lastTransitionTime),
      ),
  },
  {
    id: "FLARE0004",
    text: "a condition's message carries a time or an id that changes with every pass",
    offenders: (facts) =>
      typesWhere(facts, ({ message }) =>
        /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d|[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}|\bin \d+(\.\d+)? ?m?s\b/i.test(
          message,
        ),
      ),
  },
]);

/**
 * Every invariant that the object's conditions break; an empty list when they are sound. Run after every test that
 * reconciles.
 */
export function checkConditionInvariants(object: Conditioned): readonly ConditionViolation[] {
  const conditions = object.status?.conditions ?? [];
  const facts: Facts = {
    conditions,
    generation: object.metadata.generation ?? 0,
    observed: object.status?.observedGeneration ?? -1,
    ready: getCondition(conditions, "Ready"),
  };
  return invariants.flatMap(({ id, text, offenders }) => {
    const found = offenders(facts);
    return found.length === 0 ? [] : [{ id, text: `${object.metadata.name}: ${text}: ${found.join(", ")}` }];
  });
}
