import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import {
  ChargeState,
  FailedPreconditionError,
  InvalidRequestError,
  JobState,
  NotFoundError,
  SemanasClient,
} from "@semanas/client";
import type { TestServer } from "@semanas/client/testing";
import { refuse, startFake, startRealServer, startServer } from "@semanas/client/testing";
import { CURP, all, clientOf, failureOf, skippedWithout } from "./support.js";

const withoutProgram = skippedWithout("program at SEMANAS_BIN", existsSync(process.env["SEMANAS_BIN"] ?? ""));

async function useAll(server: TestServer): Promise<void> {
  const client = new SemanasClient(server.endpoint);
  try {
    assert.equal((await client.lookupNss({ curp: CURP })).nss.length, 11);
    assert.equal((await failureOf(client.lookupNss({ curp: "short" }), InvalidRequestError)).reason, "INVALID_CURP");
    const job = await client.getWorkHistoryWhenDone({ subject: { curp: CURP }, labels: { team: "payroll" } });
    assert.ok((job.workHistory?.employments.length ?? 0) > 0);
    assert.equal((await client.getWorkHistory(job.jobId)).state, JobState.SUCCEEDED);
    await failureOf(client.getWorkHistory("wh_01a2029dcaea73f8a3b505b03b1535510c"), NotFoundError);
    assert.equal((await client.cancelWorkHistory(job.jobId)).state, JobState.SUCCEEDED);
    const listed = await all(client.listWorkHistories({ labels: { team: "payroll" } }));
    assert.deepEqual(
      listed.map(({ jobId, workHistory }) => [jobId, workHistory]),
      [[job.jobId, undefined]],
    );
    const updates = await all(client.watchWorkHistory(job.jobId));
    assert.equal(updates.at(-1)?.isTerminal, true);
    for await (const update of client.watchWorkHistories()) if (update.kind === "synced") break;
    await all(client.listCharges());
    assert.equal((await client.getProviderStatus()).length, 3);
    const settle = client.resolveWorkHistory({ jobId: job.jobId, charge: ChargeState.NO });
    assert.equal((await failureOf(settle, FailedPreconditionError)).reason, "JOB_NOT_RESOLVABLE");
    assert.equal(await client.health(), "SERVING");
  } finally {
    client.close();
    await server.stop();
  }
}

test("the fake tells a story by itself", async () => useAll(await startFake()));

test("the real server does the same", { skip: withoutProgram }, async () => {
  const server = await startRealServer();
  assert.ok(server.isReal);
  await useAll(server);
});

test("what the fake is told comes first", async (t) => {
  const refusing = { lookupNss: () => Promise.reject(refuse("NOT_FOUND", { reason: "NSS_NOT_FOUND" })) };
  const { client } = await clientOf(t, refusing);
  await failureOf(client.lookupNss({ curp: CURP }), NotFoundError);
});

test("without the program the fake stands in; one that is not Semanas is complained of", async (t) => {
  const { SEMANAS_BIN: bin, PATH: path } = process.env;
  t.after(() => Object.assign(process.env, { PATH: path, ...(bin !== undefined && { SEMANAS_BIN: bin }) }));
  process.env["SEMANAS_BIN"] = "";
  process.env["PATH"] = "/nowhere";
  const server = await startServer();
  assert.equal(server.isReal, false);
  await server.stop();
  await assert.rejects(startRealServer(), /set SEMANAS_BIN/);
  process.env["SEMANAS_BIN"] = "/no/such/program";
  await assert.rejects(startServer(), /SEMANAS_BIN names no program/);
  process.env["SEMANAS_BIN"] = "/bin/cat";
  await assert.rejects(startServer(), /does not serve/);
});
