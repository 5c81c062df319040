import sodium from "libsodium-wrappers";
import { describe, expect, it } from "vitest";
import { bench } from "./testing.ts";

await sodium.ready;

describe("a project built with Octokit", () => {
  it("ends as the world it describes", async () => {
    const { octokit, github, advance } = bench();
    github.seedRepository({
      owner: "acme",
      name: "starter",
      isTemplate: true,
      files: { "README.md": "# starter\n", "src/index.js": "export {};\n" },
    });
    const made = await octokit.rest.repos.createUsingTemplate({
      template_owner: "acme",
      template_repo: "starter",
      owner: "acme",
      name: "shop",
      private: true,
    });
    expect(made.status).toBe(201);
    const at = { owner: "acme", repo: "shop" };
    await expect(octokit.rest.git.getRef({ ...at, ref: "heads/main" })).rejects.toMatchObject({
      status: 409,
    });
    advance(1000);
    const { data: ref } = await octokit.rest.git.getRef({ ...at, ref: "heads/main" });
    await octokit.rest.repos.update({ ...at, description: "The shop", allow_merge_commit: false });
    await octokit.rest.repos.replaceAllTopics({ ...at, names: ["Shop"] });
    const { data: head } = await octokit.rest.git.getCommit({ ...at, commit_sha: ref.object.sha });
    const { data: tree } = await octokit.rest.git.createTree({
      ...at,
      base_tree: head.tree.sha,
      tree: [{ path: "docs/a.md", mode: "100644", type: "blob", content: "hello\n" }],
    });
    const { data: commit } = await octokit.rest.git.createCommit({
      ...at,
      message: "Seed",
      tree: tree.sha,
      parents: [ref.object.sha],
    });
    await octokit.rest.git.updateRef({ ...at, ref: "heads/main", sha: commit.sha });
    await octokit.rest.git.createRef({ ...at, ref: "refs/heads/staging", sha: commit.sha });
    await octokit.rest.repos.createOrUpdateEnvironment({
      ...at,
      environment_name: "staging",
      wait_timer: 5,
      deployment_branch_policy: { protected_branches: false, custom_branch_policies: true },
    });
    await octokit.rest.repos.createDeploymentBranchPolicy({
      ...at,
      environment_name: "staging",
      name: "staging",
    });
    await octokit.rest.actions.createEnvironmentVariable({
      ...at,
      environment_name: "staging",
      name: "stage",
      value: "staging",
    });
    await octokit.rest.actions.createRepoVariable({ ...at, name: "REGION", value: "eu" });
    const { data: key } = await octokit.rest.actions.getEnvironmentPublicKey({
      ...at,
      environment_name: "staging",
    });
    const sealed = sodium.crypto_box_seal("postgres://x", Buffer.from(key.key, "base64"));
    await octokit.rest.actions.createOrUpdateEnvironmentSecret({
      ...at,
      environment_name: "staging",
      secret_name: "DATABASE_URL",
      encrypted_value: Buffer.from(sealed).toString("base64"),
      key_id: key.key_id,
    });
    await octokit.rest.repos.createRepoRuleset({
      ...at,
      name: "main",
      enforcement: "active",
      conditions: { ref_name: { include: ["~DEFAULT_BRANCH"], exclude: [] } },
      rules: [{ type: "deletion" }],
    });
    await octokit.rest.repos.createWebhook({
      ...at,
      config: { url: "https://hooks.example.test/x", content_type: "json", secret: "s" },
    });
    const state = github.state() as { repositories: Record<string, unknown>[] };
    expect(state.repositories.find((item) => item["name"] === "shop")).toMatchObject({
      private: true,
      description: "The shop",
      topics: ["shop"],
      settings: { allow_merge_commit: false },
      branches: { main: commit.sha, staging: commit.sha },
      files: { "README.md": "# starter\n", "docs/a.md": "hello\n", "src/index.js": "export {};\n" },
      environments: [
        {
          name: "staging",
          waitTimer: 5,
          branchPolicies: [{ name: "staging", type: "branch" }],
          variables: { STAGE: "staging" },
          secrets: { DATABASE_URL: "postgres://x" },
        },
      ],
      variables: { REGION: "eu" },
      rulesets: [{ name: "main", rules: [{ type: "deletion" }] }],
      hooks: [{ config: { url: "https://hooks.example.test/x", secret: "s" } }],
    });
  });
});
