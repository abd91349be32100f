/**
 * A server that answers as it is told. What it answers by itself stands in story.ts.
 */
import * as http2 from "node:http2";
import type { AddressInfo } from "node:net";
import type { ServiceImpl } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { Health, HealthCheckResponse_ServingStatus as ServingStatus } from "../gen/grpc/health/v1/health_pb.js";
import { OperationsService } from "../gen/semanas/v1/operations_service_pb.js";
import { WorkHistoryService } from "../gen/semanas/v1/work_history_service_pb.js";
import { Story } from "./story.js";

/** A server that runs until it is stopped. */
export interface TestServer {
  /** Where it is, for `new SemanasClient(endpoint)`. */
  readonly endpoint: string;
  /** Whether it is the `semanas` program with its sandbox, and not a fake. */
  readonly isReal: boolean;
  /** Ends it with all its streams. */
  stop(): Promise<void>;
}

/**
 * What the fake answers: a function for each call that the test wants to decide, as Connect's servers have them; errors are made by
 * `refuse`. Where there is none the fake tells a story of its own: every person has an NSS and a work history with one employment, every
 * job succeeds after two events, and nothing is charged.
 */
export type FakeAnswers = Partial<ServiceImpl<typeof WorkHistoryService>> &
  Partial<ServiceImpl<typeof OperationsService>> & {
    /** What the health service says; SERVING unless set. */
    readonly health?: "SERVING" | "NOT_SERVING" | "UNKNOWN";
  };

/** How the fake is reached. */
export interface FakeOptions {
  /** With a certificate and key it serves TLS; see `http2.createSecureServer` of Node.js. */
  readonly tls?: http2.SecureServerOptions;
}

/** Starts the fake on a free port of this machine. */
export async function startFake(answers: FakeAnswers = {}, options: FakeOptions = {}): Promise<TestServer> {
  const { health = "SERVING", ...told } = answers;
  const story = new Story();
  const handler = connectNodeAdapter({
    routes: (router) => {
      router.service(WorkHistoryService, pick(WorkHistoryService, story.workHistories(), told));
      router.service(OperationsService, pick(OperationsService, story.operations(), told));
      router.service(Health, { check: () => ({ status: ServingStatus[health] }) });
    },
  });
  const server = options.tls ? http2.createSecureServer(options.tls, handler) : http2.createServer(handler);
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    // A client that goes away without a word is nothing that a test has to know of.
    session.on("error", () => undefined);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const session of sessions) session.destroy();
    });
  return { endpoint: `${options.tls ? "https" : "http"}://127.0.0.1:${port}`, isReal: false, stop };
}

/** The methods of one service: those that the test decides, else the story's. */
function pick<S extends typeof WorkHistoryService | typeof OperationsService>(
  service: S,
  story: ServiceImpl<S>,
  told: object,
): ServiceImpl<S> {
  const decided = Object.entries(told).filter(([name, answer]) => name in service.method && answer !== undefined);
  return { ...story, ...Object.fromEntries(decided) };
}
