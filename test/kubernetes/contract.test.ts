/** One contract, three API servers: the embedded store, our HTTP API over it, and a real kube-apiserver. */
import { inject } from "vitest";
import { clientOf } from "../support/cluster.ts";
import { describeContract } from "../contract/contract.ts";
import { embeddedTarget, httpTarget } from "../contract/targets.ts";

describeContract("embedded store", () => embeddedTarget(":memory:"));
describeContract("cluster client over the HTTP API", httpTarget);
describeContract("cluster client over kube-apiserver", async () => clientOf(inject("kubeconfig")));
