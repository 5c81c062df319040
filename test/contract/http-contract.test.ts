import { describeContract } from "./contract.ts";
import { httpTarget } from "./targets.ts";

describeContract("cluster client over the HTTP API", httpTarget);
