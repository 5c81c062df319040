/**
 * A real Kubernetes API as plain processes on the loopback interface: kube-apiserver over kine (SQLite) or etcd, and
 * kube-controller-manager, which collects garbage and finishes namespaces. Everything lies in one temporary folder.
 */
import { generateKeyPairSync } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServerCertificate } from "../../../controller/runtime/adapters/certificates.ts";
import type { ClusterAccess } from "../../../controller/store/cluster/access.ts";
import { clusterFetch } from "../../support/cluster.ts";
import { createClientCertificate, createTestAuthority, validity, type Identity } from "./certificates.ts";
import { writeKubeconfig } from "./kubeconfig.ts";
import { removeAfterwards, startProgram, type Program } from "./program.ts";

const LOOPBACK = "127.0.0.1";
const READY_MILLISECONDS = 60_000;
const POLL_MILLISECONDS = 50;
/** Those that finish what the API server only marks. */
const CONTROLLERS =
  "garbage-collector-controller,namespace-controller,serviceaccount-controller,clusterrole-aggregation-controller";
const ADMIN: Identity = { user: "admin", groups: ["system:masters"] };

export interface KubernetesOptions {
  /** Folder with `kube-apiserver`, with `kine` or `etcd`, and with `kube-controller-manager`. */
  binaries: string;
  /** Whether garbage is collected and namespaces are finished. Default true. */
  controllerManager?: boolean;
  /** More flags for kube-apiserver. */
  flags?: readonly string[];
}

export interface Kubernetes {
  url: string;
  /** As the server tells it, e.g. `v1.36.3`. */
  version: string;
  /** Access as cluster administrator. */
  admin: ClusterAccess;
  /** Path of the administrator's kubeconfig. */
  kubeconfig: string;
  /** Access as anybody; what that person may do is up to RBAC. */
  accessOf(identity: Identity): Promise<ClusterAccess>;
  /** The running API server: to kill or freeze it. Another one after `startApiServer`. */
  apiServer(): Program;
  /** Starts the API server again after it was stopped or killed, on the same port. Resolves when it is ready. */
  startApiServer(): Promise<void>;
  /** Process ids of `store` (kine or etcd), `kube-apiserver` and `kube-controller-manager`. */
  processes(): Readonly<Record<string, number>>;
  /** Ends everything and removes its folder. */
  stop(): Promise<void>;
}

/** A port that nobody listens on right now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts the store under the API server: kine where it was built, else etcd. */
async function startStore(binaries: string, folder: string): Promise<{ program: Program; url: string }> {
  const logFile = join(folder, "store.log");
  const kine = join(binaries, "kine");
  const socket = `unix://${join(folder, "store.sock")}`;
  if (existsSync(kine)) {
    const database = `sqlite://${join(folder, "kine.db")}?_journal=WAL&cache=shared&_busy_timeout=30000`;
    const args = ["--endpoint", database, "--listen-address", socket, "--metrics-bind-address", "0"];
    return { program: await startProgram({ command: kine, args, logFile }), url: socket };
  }
  const [client, peer] = [await freePort(), await freePort()].map((port) => `http://${LOOPBACK}:${port}`);
  const args = [
    `--data-dir=${join(folder, "etcd")}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    "--unsafe-no-fsync",
  ];
  return {
    program: await startProgram({ command: join(binaries, "etcd"), args, logFile }),
    url: client ?? "",
  };
}

/** Waits until the server says that it is ready. @throws Error with its last words when it ends or takes 60 s */
async function untilReady(access: ClusterAccess, program: Program): Promise<void> {
  const { fetch, close } = clusterFetch(access);
  try {
    for (let waited = 0; ; waited += POLL_MILLISECONDS) {
      const answer = await fetch(`${access.server}/readyz`).catch(() => undefined);
      await answer?.body?.cancel();
      if (answer?.status === 200) return;
      if (!program.isRunning() || waited > READY_MILLISECONDS)
        throw new Error(`the API server did not become ready; ${program.lastWords()}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
    }
  } finally {
    await close();
  }
}

async function versionOf(access: ClusterAccess): Promise<string> {
  const { fetch, close } = clusterFetch(access);
  const answer = await fetch(`${access.server}/version`);
  const { gitVersion } = (await answer.json()) as { gitVersion: string };
  await close();
  return gitVersion;
}

/**
 * Starts a Kubernetes of its own. Ready in about three seconds.
 * @throws Error with the last lines of the program that did not start
 */
export async function startKubernetes(options: KubernetesOptions): Promise<Kubernetes> {
  const { binaries } = options;
  const folder = await mkdtemp(join(tmpdir(), "kubernetes-"));
  removeAfterwards(folder);
  const file = (name: string): string => join(folder, name);
  const authority = await createTestAuthority();
  const names = [LOOPBACK, "localhost"];
  const server = await createServerCertificate(authority, { commonName: "server", ...validity(), names });
  const { privateKey, publicKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const written: Readonly<Record<string, string>> = {
    "ca.crt": authority.certificate,
    "server.crt": server.certificate,
    "server.key": server.privateKey,
    "accounts.key": privateKey,
    "accounts.pub": publicKey,
  };
  for (const [name, text] of Object.entries(written)) await writeFile(file(name), text, { mode: 0o600 });

  const port = await freePort();
  const url = `https://${LOOPBACK}:${port}`;
  const accessOf = async (identity: Identity): Promise<ClusterAccess> => ({
    server: url,
    namespace: "default",
    authority: authority.certificate,
    client: await createClientCertificate(authority, identity),
  });
  const admin = await accessOf(ADMIN);
  const kubeconfig = file("admin.kubeconfig");
  await writeKubeconfig(kubeconfig, admin);

  const store = await startStore(binaries, folder);
  const args = [
    `--etcd-servers=${store.url}`,
    `--bind-address=${LOOPBACK}`,
    `--secure-port=${port}`,
    `--cert-dir=${folder}`,
    `--tls-cert-file=${file("server.crt")}`,
    `--tls-private-key-file=${file("server.key")}`,
    `--client-ca-file=${file("ca.crt")}`,
    "--service-account-issuer=https://localhost",
    `--service-account-key-file=${file("accounts.pub")}`,
    `--service-account-signing-key-file=${file("accounts.key")}`,
    "--service-cluster-ip-range=10.0.0.0/24",
    "--endpoint-reconciler-type=none",
    "--authorization-mode=RBAC",
    "--disable-admission-plugins=ServiceAccount",
    ...(options.flags ?? []),
  ];
  let apiServer: Program | undefined;
  const startApiServer = async (): Promise<void> => {
    apiServer = await startProgram({
      command: join(binaries, "kube-apiserver"),
      args,
      logFile: file("kube-apiserver.log"),
    });
    await untilReady(admin, apiServer);
  };
  let controllerManager: Program | undefined;
  const stop = async (): Promise<void> => {
    await controllerManager?.stop();
    await apiServer?.stop();
    await store.program.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await startApiServer();
    if (options.controllerManager ?? true) {
      controllerManager = await startProgram({
        command: join(binaries, "kube-controller-manager"),
        args: [
          `--kubeconfig=${kubeconfig}`,
          `--authentication-kubeconfig=${kubeconfig}`,
          `--authorization-kubeconfig=${kubeconfig}`,
          "--leader-elect=false",
          `--controllers=${CONTROLLERS}`,
          `--service-account-private-key-file=${file("accounts.key")}`,
          `--root-ca-file=${file("ca.crt")}`,
          `--bind-address=${LOOPBACK}`,
          `--secure-port=${await freePort()}`,
          `--cert-dir=${folder}`,
        ],
        logFile: file("kube-controller-manager.log"),
      });
    }
    return {
      url,
      version: await versionOf(admin),
      admin,
      kubeconfig,
      accessOf,
      apiServer() {
        if (apiServer === undefined) throw new Error("the API server was never started");
        return apiServer;
      },
      startApiServer,
      processes() {
        const programs = {
          store: store.program,
          "kube-apiserver": apiServer,
          "kube-controller-manager": controllerManager,
        };
        const running = Object.entries(programs).filter(([, program]) => program !== undefined);
        return Object.fromEntries(running.map(([name, program]) => [name, program?.pid ?? 0]));
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
