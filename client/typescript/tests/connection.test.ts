import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as http2 from "node:http2";
import * as net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { TestContext } from "node:test";
import { toBinary, create } from "@bufbuild/protobuf";
import type { ClientOptions } from "@semanas/client";
import {
  DeadlineExceededError,
  InternalError,
  JobState,
  NotFoundError,
  PermissionDeniedError,
  SemanasClient,
  UnavailableError,
  VERSION,
} from "@semanas/client";
import { GetWorkHistoryResponseSchema } from "@semanas/client/v1";
import { all, clientOf, event, failureOf, silence, skippedWithout, snapshot, until } from "./support.js";

const folder = mkdtempSync(join(tmpdir(), "semanas-test-"));
after(() => rmSync(folder, { recursive: true }));

/** An authority, and whatever it vouches for; made by the openssl of this machine. */
function certificates(name: string) {
  const at = (file: string): string => join(folder, `${name}-${file}`);
  const openssl = (...words: string[]): void => void execFileSync("openssl", words, { stdio: "pipe" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  openssl("req", "-x509", ...key, "-subj", `/CN=${name}`, "-keyout", at("ca.key"), "-out", at("ca.pem"));
  const issue = (who: string, names: string) => {
    writeFileSync(at("ext"), `subjectAltName=${names}`);
    openssl("req", ...key.slice(0, 5), "-subj", `/CN=${who}`, "-keyout", at(`${who}.key`), "-out", at(`${who}.csr`));
    const by = ["-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial", "-days", "2", "-extfile", at("ext")];
    openssl("x509", "-req", "-in", at(`${who}.csr`), ...by, "-out", at(`${who}.pem`));
    return { cert: readFileSync(at(`${who}.pem`), "utf8"), key: readFileSync(at(`${who}.key`), "utf8") };
  };
  return { ca: readFileSync(at("ca.pem"), "utf8"), issue };
}

const skip = skippedWithout("openssl to make certificates with", spawnSync("openssl", ["version"]).status === 0);
const once: ClientOptions = { retry: "off" };

test("TLS with the authority given, and with no other", { skip }, async (t) => {
  const ours = certificates("ours");
  const caCertificatePem = ours.ca;
  const server = ours.issue("server", "IP:127.0.0.1");
  const { client } = await clientOf(
    t,
    { getWorkHistory: () => ({ job: { jobId: "wh_1" } }) },
    { caCertificatePem },
    { tls: server },
  );
  assert.equal((await client.getWorkHistory("wh_1")).jobId, "wh_1");

  const others = certificates("others");
  for (const options of [{ caCertificatePem: others.ca }, {}]) {
    const { client: doubting } = await clientOf(t, {}, { ...once, ...options }, { tls: server });
    const error = await failureOf(doubting.getWorkHistory("wh_1"), UnavailableError);
    assert.match(error.message, /cannot connect to https:.*certificate/);
  }
  const elsewhere = ours.issue("elsewhere", "DNS:other.example");
  const { client: careful } = await clientOf(t, {}, { ...once, caCertificatePem }, { tls: elsewhere });
  await failureOf(careful.getWorkHistory("wh_1"), UnavailableError);
});

test("a port without TLS is said in words", async (t) => {
  const { server } = await clientOf(t, {});
  const client = new SemanasClient(server.endpoint.replace("http:", "https:"), once);
  t.after(() => client.close());
  const error = await failureOf(client.health(), UnavailableError);
  assert.match(error.message, /does not speak TLS/);
});

test("mTLS shows who calls; a server that wants to see it refuses others", { skip }, async (t) => {
  const ours = certificates("mutual");
  const caCertificatePem = ours.ca;
  const server = ours.issue("server", "IP:127.0.0.1");
  const tls = { ...server, ca: ours.ca, requestCert: true, rejectUnauthorized: true };
  const person = ours.issue("client", "DNS:client.example");
  const stranger = certificates("strangers").issue("stranger", "DNS:stranger.example");
  const as = (one?: { cert: string; key: string }): ClientOptions => ({
    ...once,
    caCertificatePem,
    credentials: { bearerToken: "t0ken", ...(one && { clientCertificatePem: one.cert, clientKeyPem: one.key }) },
  });
  const answers = { getWorkHistory: () => ({ job: {} }) };
  const { client } = await clientOf(t, answers, as(person), { tls });
  await client.getWorkHistory("wh_1");
  for (const one of [undefined, stranger]) {
    const { client: unwelcome } = await clientOf(t, answers, as(one), { tls });
    await failureOf(unwelcome.getWorkHistory("wh_1"), UnavailableError);
  }
  const { cert } = person;
  const mixed = { credentials: { clientCertificatePem: cert, clientKeyPem: stranger.key } };
  assert.throws(() => new SemanasClient("https://host", mixed), /belong together/);
});

test("our user agent comes after the caller's", async (t) => {
  let agent: string | null = null;
  const getWorkHistory = (_: unknown, { requestHeader }: { requestHeader: Headers }) => {
    agent = requestHeader.get("user-agent");
    return { job: {} };
  };
  const { client } = await clientOf(t, { getWorkHistory }, { userAgent: "payroll/2.1" });
  await client.getWorkHistory("wh_1");
  assert.equal(agent, `payroll/2.1 semanas-client-typescript/${VERSION}`);
});

test("a history of ten thousand employments is an answer", async (t) => {
  const employer = "EMPRESA INVENTADA SA DE CV ".repeat(30);
  const job = { jobId: "wh_1", workHistory: { employments: Array.from({ length: 10_000 }, () => ({ employer })) } };
  const { client } = await clientOf(t, { getWorkHistory: () => ({ job }) });
  assert.equal((await client.getWorkHistory("wh_1")).workHistory?.employments.length, 10_000);
});

test("states of the connection are told, and a server that comes back is found", async (t) => {
  const states: string[] = [];
  const options: ClientOptions = {
    hooks: { onConnectionState: (state) => states.push(state) },
    retry: { triesMax: 40, delayFirstMs: 20, delayMaxMs: 20 },
  };
  const port = await freePort();
  const client = new SemanasClient(`http://127.0.0.1:${port}`, options);
  t.after(() => client.close());
  const pending = client.getWorkHistory("wh_1");
  await until("it could not connect", () => states.includes("failed"));
  const raw = await rawServer(t, answerWith(), port);
  assert.equal((await pending).jobId, "wh_1");
  for (const session of raw.sessions) session.destroy();
  await until("the connection is gone", () => states.at(-1) !== "ready");
  assert.equal((await client.getWorkHistory("wh_1")).jobId, "wh_1");
  assert.deepEqual(states.slice(0, 3), ["connecting", "failed", "connecting"]);
  assert.equal(states.at(-1), "ready");
});

test("a server that goes away gracefully loses no call", async (t) => {
  const raw = await rawServer(t, (stream) => {
    stream.session?.goaway(http2.constants.NGHTTP2_NO_ERROR);
    answerWith()(stream);
  });
  const client = clientAt(t, raw.port, once);
  for (let call = 0; call < 3; call++) assert.equal((await client.getWorkHistory("wh_1")).jobId, "wh_1");
  assert.equal(raw.connections(), 3);
});

test("a connection that breaks in the middle of a call is unavailable, and the call is made again", async (t) => {
  let calls = 0;
  const raw = await rawServer(t, (stream) => {
    if (++calls % 2 === 1) stream.session?.destroy();
    else answerWith()(stream);
  });
  await failureOf(clientAt(t, raw.port, once).getWorkHistory("wh_1"), UnavailableError);
  calls = 0;
  assert.equal((await clientAt(t, raw.port, { retry: { delayFirstMs: 1 } }).getWorkHistory("wh_1")).jobId, "wh_1");
});

test("resets have the codes of gRPC", async (t) => {
  const reset = async (code: number) => {
    const raw = await rawServer(t, (stream) => stream.close(code));
    const error = await clientAt(t, raw.port, once)
      .getWorkHistory("wh_1")
      .catch((thrown: unknown) => thrown);
    return (error as UnavailableError).code;
  };
  assert.equal(await reset(http2.constants.NGHTTP2_REFUSED_STREAM), "UNAVAILABLE");
  assert.equal(await reset(http2.constants.NGHTTP2_CANCEL), "CANCELLED");
  assert.equal(await reset(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM), "RESOURCE_EXHAUSTED");
  assert.equal(await reset(http2.constants.NGHTTP2_INTERNAL_ERROR), "INTERNAL");
});

test("a status is read even where its details or its message cannot be", async (t) => {
  const headers = { ":status": 200, "content-type": "application/grpc", "grpc-status": "5", "grpc-message": "100% gone" };
  const raw = await rawServer(t, (stream) => {
    stream.respond({ ...headers, "grpc-status-details-bin": "/////w" }, { endStream: true });
  });
  const error = await failureOf(clientAt(t, raw.port, once).getWorkHistory("wh_1"), NotFoundError);
  assert.equal(error.sentence, "100% gone");
});

test("a page of a proxy is no answer, and is not quoted", async (t) => {
  const speak = async (status: number) => {
    const raw = await rawServer(t, (stream) => {
      stream.respond({ ":status": status, "content-type": "text/html" });
      stream.end("<html>s3cret</html>");
    });
    return clientAt(t, raw.port, once).getWorkHistory("wh_1");
  };
  assert.ok(!(await failureOf(speak(503), UnavailableError)).message.includes("s3cret"));
  await failureOf(speak(403), PermissionDeniedError);
  await failureOf(speak(400), InternalError);
});

test("a server that says nothing while connecting is given up in time", async (t) => {
  const mute = net.createServer(() => undefined).listen(0, "127.0.0.1");
  await new Promise((resolve) => mute.once("listening", resolve));
  t.after(() => mute.close());
  const { port } = mute.address() as net.AddressInfo;
  const error = await failureOf(clientAt(t, port, { ...once, connectTimeoutMs: 50 }).getWorkHistory("wh_1"), UnavailableError);
  assert.match(error.message, /did not answer within 50 ms/);
  await failureOf(clientAt(t, port, { ...once, unaryDeadlineMs: 50 }).getWorkHistory("wh_1"), DeadlineExceededError);
});

test("a watch that hears nothing does not resume over the same dead connection", async (t) => {
  let streams = 0;
  const { client, server: fake } = await clientOf(t, {
    watchWorkHistory: async function* (_, { signal }) {
      yield snapshot(1, { heartbeatMs: 50 });
      if (++streams === 1) await silence(signal);
      yield event(2, JobState.SUCCEEDED);
    },
  });
  // What is on its way through here stops, without a word, from the second on which the first connection has given its snapshot.
  const target = Number(new URL(fake.endpoint).port);
  let connections = 0;
  const proxy = net.createServer((socket) => {
    connections++;
    const isFirst = connections === 1;
    const onward = net.connect(target, "127.0.0.1");
    for (const end of [socket, onward]) end.on("error", () => undefined);
    socket.pipe(onward);
    onward.pipe(socket);
    if (isFirst) void until("the snapshot is through", () => streams === 1).then(() => socket.unpipe(onward));
    socket.once("close", () => onward.destroy());
  });
  proxy.listen(0, "127.0.0.1");
  await new Promise((resolve) => proxy.once("listening", resolve));
  t.after(() => proxy.close());
  const through = clientAt(t, (proxy.address() as net.AddressInfo).port, { watch: { resume: { delayFirstMs: 1 } } });
  assert.equal((await all(through.watchWorkHistory("wh_1"))).at(-1)?.isTerminal, true);
  assert.equal(connections, 2);
  assert.ok(client);
});

type Answer = (stream: http2.ServerHttp2Stream) => void;

async function rawServer(t: TestContext, answer: Answer, port = 0) {
  const sessions = new Set<http2.ServerHttp2Session>();
  let connections = 0;
  const raw = http2.createServer();
  raw.on("session", (session) => {
    connections++;
    sessions.add(session);
    session.on("error", () => undefined);
    session.once("close", () => sessions.delete(session));
  });
  raw.on("stream", (stream) => {
    stream.on("error", () => undefined);
    answer(stream);
  });
  await new Promise<void>((resolve) => raw.listen(port, "127.0.0.1", resolve));
  t.after(() => {
    for (const session of sessions) session.destroy();
    raw.close();
  });
  return { port: (raw.address() as net.AddressInfo).port, sessions, connections: () => connections };
}

/** Answers GetWorkHistory with a job. */
function answerWith(): Answer {
  const message = toBinary(GetWorkHistoryResponseSchema, create(GetWorkHistoryResponseSchema, { job: { jobId: "wh_1" } }));
  const envelope = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
  return (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(envelope);
  };
}

function clientAt(t: TestContext, port: number, options: ClientOptions): SemanasClient {
  const client = new SemanasClient(`http://127.0.0.1:${port}`, options);
  t.after(() => client.close());
  return client;
}

async function freePort(): Promise<number> {
  const holder = net.createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => holder.once("listening", resolve));
  const { port } = holder.address() as net.AddressInfo;
  await new Promise((resolve) => holder.close(resolve));
  return port;
}
