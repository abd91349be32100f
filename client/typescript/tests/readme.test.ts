import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { promisify } from "node:util";
import { startRealServer } from "@semanas/client/testing";
import { skippedWithout } from "./support.js";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
const skip = skippedWithout("program at SEMANAS_BIN", existsSync(process.env["SEMANAS_BIN"] ?? ""));

/** Builds a program as its own file, with everything else as it is installed; runs it against the real server. */
async function outputOf(name: string, source: string, ...words: string[]): Promise<string> {
  const folder = `${root}build/examples`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/${name}.ts`, source);
  await run(`${root}node_modules/.bin/esbuild`, [`${folder}/${name}.ts`, "--format=esm", `--outfile=${folder}/${name}.js`]);
  const server = await startRealServer();
  try {
    const env = { ...process.env, SEMANAS_SERVER: server.endpoint };
    return (await run(process.execPath, [`${folder}/${name}.js`, ...words], { env })).stdout;
  } finally {
    await server.stop();
  }
}

test("the README's example runs as written", { skip }, async () => {
  const [, example = ""] = /```ts\n([\s\S]+?)```/.exec(readFileSync(`${root}README.md`, "utf8")) ?? [];
  const lines = (await outputOf("readme", example)).trim().split("\n");
  assert.equal(lines.length, 3);
  for (const line of lines) assert.match(line, / since \d{4}$/);
});

test("the example program shows a job from its beginning to its end", { skip }, async () => {
  const printed = await outputOf("node", readFileSync(`${root}examples/node.ts`, "utf8"));
  assert.match(printed, /^job wh_\w+\nsnapshot: [\s\S]+SUCCEEDED\n3 employments, \d+ weeks\n$/);
});
