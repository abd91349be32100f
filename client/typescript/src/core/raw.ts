/**
 * The way around the client's methods: the generated stubs over the same connection.
 */
import type { Client, Transport } from "@connectrpc/connect";
import { createClient } from "@connectrpc/connect";
import { OperationsService } from "../gen/semanas/v1/operations_service_pb.js";
import { WorkHistoryService } from "../gen/semanas/v1/work_history_service_pb.js";

/**
 * Generated stubs with the client's credentials, deadline and user agent, and without its retries and typed errors: they throw
 * `ConnectError`, which `errorFrom` reads.
 */
export interface Raw {
  /** The service that callers use. */
  readonly workHistory: Client<typeof WorkHistoryService>;
  /** The service that operators use. */
  readonly operations: Client<typeof OperationsService>;
  /** For stubs of other services on the same server. */
  readonly transport: Transport;
}

/** Stubs over a transport; unary calls get the deadline, streams have none. */
export function rawOf(inner: Transport, unaryDeadlineMs: number | null): Raw {
  const transport: Transport = {
    unary: (method, signal, timeoutMs, header, input, contextValues) =>
      inner.unary(method, signal, timeoutMs ?? unaryDeadlineMs ?? 0, header, input, contextValues),
    stream: (method, signal, timeoutMs, header, input, contextValues) =>
      inner.stream(method, signal, timeoutMs, header, input, contextValues),
  };
  return {
    workHistory: createClient(WorkHistoryService, transport),
    operations: createClient(OperationsService, transport),
    transport,
  };
}
