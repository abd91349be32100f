import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import * as http from "node:http";
import * as net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";
import { SemanasClient } from "@semanas/client";
import { skippedWithout } from "./support.js";

const program = process.env["SEMANAS_BIN"] ?? "";
const browser = [process.env["CHROMIUM"] ?? "", "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
  existsSync,
);
const missing =
  skippedWithout("Chromium", browser !== undefined) || skippedWithout("program at SEMANAS_BIN", existsSync(program));
const PATIENCE_MS = 60_000;
/** The browser asks for nothing but the page. */
const FLAGS =
  "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking " +
  "--disable-component-update --disable-sync";

test(
  "the example page submits a person and shows the job live, by gRPC-Web",
  { skip: missing, timeout: 3 * PATIENCE_MS },
  async (t) => {
    const named = await servePage(t);
    const unnamed = await servePage(t);
    const server = await startServer(t, named);
    const chrome = await chromium.launch({ executablePath: browser ?? "", args: FLAGS.split(" ") });
    t.after(() => chrome.close());
    const page = await chrome.newPage({ viewport: { width: 800, height: 700 } });
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(String(error)));

    await page.goto(`${named}/?server=${server}`);
    await page.click("button");
    await page.waitForSelector('#status[data-mood="succeeded"]', { timeout: PATIENCE_MS });
    assert.equal(await page.textContent("#status"), "SUCCEEDED");
    assert.equal(await page.locator("#employments tr").count(), 3);
    const events = await page.locator("#events li").allTextContents();
    assert.ok(events.length >= 3 && events.at(-1) === "succeeded", String(events));
    await page.screenshot({ path: new URL("../browser/page.png", import.meta.url).pathname });

    await page.fill("input", "ZUNA540308MNELTN05");
    await page.click("button");
    await page.waitForSelector('#status[data-mood="failed"]', { timeout: PATIENCE_MS });
    assert.match((await page.textContent("#status")) ?? "", /^FAILED: /);

    await page.fill("input", "SHORT");
    await page.click("button");
    await page.waitForFunction(() => document.querySelector("#status")?.textContent.startsWith("InvalidRequest"));

    await page.goto(`${unnamed}/?server=${server}`);
    await page.click("button");
    await page.waitForSelector('#status[data-mood="failed"]', { timeout: PATIENCE_MS });
    assert.match((await page.textContent("#status")) ?? "", /^Unavailable: .*grpc\.web_origins/);
    assert.deepEqual(complaints, []);
  },
);

/** Serves the built page; gives its origin. */
async function servePage(t: TestContext): Promise<string> {
  const types: Record<string, string> = { "index.html": "text/html", "page.js": "text/javascript" };
  const site = http.createServer(({ url = "" }, response) => {
    const name = url.startsWith("/page.js") ? "page.js" : "index.html";
    response.setHeader("content-type", types[name] ?? "");
    response.end(readFileSync(new URL(`../browser/${name}`, import.meta.url)));
  });
  await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
  t.after(() => site.close());
  return `http://127.0.0.1:${(site.address() as net.AddressInfo).port}`;
}

/** The real server with the doubles of the providers; pages of that origin may call. */
async function startServer(t: TestContext, origin: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "semanas-browser-"));
  const children: ChildProcess[] = [];
  t.after(async () => {
    for (const child of children.reverse()) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
    }
    rmSync(folder, { recursive: true });
  });
  const sandbox = spawn(program, ["sandbox", "--port", "0", "--latency", "0.3"], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(sandbox);
  const settings: Record<string, string> = {};
  for await (const line of createInterface({ input: sandbox.stdout })) {
    const [, name, value] = /export (\w+)=(\S+)/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) settings[name] = value;
    if (line.includes("semanas serve")) break;
  }
  const endpoint = `127.0.0.1:${await freePort()}`;
  const env = {
    ...process.env,
    ...settings,
    SEMANAS_GRPC__LISTEN: endpoint,
    SEMANAS_HTTP__LISTEN: `127.0.0.1:${await freePort()}`,
    SEMANAS_GRPC__WEB_ORIGINS: origin,
    SEMANAS_STORE__URL: `sqlite:${folder}/semanas.db`,
  };
  children.push(spawn(program, ["serve"], { env, cwd: folder, stdio: ["ignore", "ignore", "inherit"] }));
  const client = new SemanasClient(`http://${endpoint}`, { retry: { triesMax: 1_000, delayFirstMs: 50, delayMaxMs: 50 } });
  await client.getProviderStatus({ deadlineMs: PATIENCE_MS });
  client.close();
  return `http://${endpoint}`;
}

async function freePort(): Promise<number> {
  const holder = net.createServer();
  await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
  const { port } = holder.address() as net.AddressInfo;
  await new Promise((resolve) => holder.close(resolve));
  return port;
}
