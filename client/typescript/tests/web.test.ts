import assert from "node:assert/strict";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { readFileSync } from "node:fs";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import {
  CancelledError,
  ConfigurationError,
  JobState,
  NotFoundError,
  SemanasClient,
  UnavailableError,
  VERSION,
} from "@semanas/client/web";
import { refuse } from "@semanas/client/testing";
import type { FakeAnswers } from "@semanas/client/testing";
import { WorkHistoryService } from "@semanas/client/v1";
import { all, event, failureOf, silence, snapshot, until } from "./support.js";

/** A client over the fetch of Node.js, which is as good as a browser's for what we do with it. */
async function clientOf(t: TestContext, answers: FakeAnswers): Promise<SemanasClient> {
  const handler = connectNodeAdapter({ routes: (router) => void router.service(WorkHistoryService, answers) });
  const server = http.createServer(handler).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const client = new SemanasClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    retry: { delayFirstMs: 1 },
    watch: { resume: { delayFirstMs: 1 } },
    credentials: { bearerToken: "t0ken" },
    userAgent: "page/1",
  });
  t.after(() => {
    client.close();
    server.closeAllConnections();
    server.close();
  });
  return client;
}

test("calls, errors and retries are those of Node.js", async (t) => {
  const shown: (string | null)[] = [];
  let asked = 0;
  const client = await clientOf(t, {
    getWorkHistory: ({ jobId }, { requestHeader, timeoutMs }) => {
      shown.push(requestHeader.get("authorization"), requestHeader.get("x-user-agent"));
      assert.ok((timeoutMs() ?? 0) > 25_000);
      if (jobId === "") throw refuse("NOT_FOUND", { reason: "JOB_NOT_FOUND", message: "no existe" });
      if (++asked === 1) throw refuse("UNAVAILABLE", { reason: "STORE_UNAVAILABLE", retryDelayMs: 1 });
      return { job: { jobId } };
    },
  });
  assert.equal((await client.getWorkHistory("wh_1")).jobId, "wh_1");
  assert.deepEqual(shown.slice(0, 2), ["Bearer t0ken", `page/1 semanas-client-typescript/${VERSION}`]);
  const error = await failureOf(client.getWorkHistory(""), NotFoundError);
  assert.deepEqual([error.sentence, error.reason], ["no existe", "JOB_NOT_FOUND"]);
});

test("watches resume, and leaving one releases its call", async (t) => {
  const cursors: string[] = [];
  let left = 0;
  const client = await clientOf(t, {
    watchWorkHistory: async function* ({ cursor, jobId }, { signal }) {
      signal.addEventListener("abort", () => left++);
      cursors.push(cursor);
      if (cursor === "") yield snapshot(1);
      if (jobId === "wh_open") await silence(signal);
      if (cursor === "") return;
      yield event(2, JobState.SUCCEEDED);
    },
  });
  assert.deepEqual(
    (await all(client.watchWorkHistory("wh_1"))).map(({ kind }) => kind),
    ["snapshot", "event"],
  );
  assert.deepEqual(cursors, ["", "c1"]);
  const before = left;
  for await (const update of client.watchWorkHistory("wh_open")) if (update.kind === "snapshot") break;
  await until("the call is released", () => left > before);
  const watch = all(client.watchWorkHistory("wh_open"));
  await until("it is open", () => cursors.length === 4);
  client.close();
  await failureOf(watch, CancelledError);
});

test("a server that is not there, or does not name the page, is unavailable", async () => {
  const client = new SemanasClient("http://127.0.0.1:9", { retry: "off" });
  assert.match((await failureOf(client.getWorkHistory("wh_1"), UnavailableError)).message, /grpc\.web_origins/);
  assert.throws(() => new SemanasClient("http://10.0.0.1"), ConfigurationError);
});

test("nothing of Node.js is in what browsers load", () => {
  const page = readFileSync(new URL("../browser/page.js", import.meta.url), "utf8");
  // esbuild refuses what a browser does not have, and leaves what is reached in other ways as it stands.
  const found = /.*(from\s*["']node:|import\(|require\(|http2\.connect).*/.exec(page);
  assert.equal(found?.[0], undefined);
});
