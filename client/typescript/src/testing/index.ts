/**
 * A server of Semanas for the tests of programs that call one: the real server with its sandbox where the `semanas` program is at hand,
 * else a fake. For Node.js.
 *
 * @packageDocumentation
 */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { startProgram } from "./demo.js";
import type { FakeAnswers, TestServer } from "./fake.js";
import { startFake } from "./fake.js";

export { startFake } from "./fake.js";
export type { FakeAnswers, FakeOptions, TestServer } from "./fake.js";
export { refuse } from "./refuse.js";
export type { Refusal } from "./refuse.js";

/**
 * Starts the real server where the program is at hand (`SEMANAS_BIN`, else `semanas` on the path), else the fake.
 *
 * @example
 * ```ts
 * const server = await startServer();
 * const client = new SemanasClient(server.endpoint);
 * // ...
 * await server.stop();
 * ```
 */
export async function startServer(answers: FakeAnswers = {}): Promise<TestServer> {
  const program = findProgram();
  return program === undefined ? startFake(answers) : startProgram(program);
}

/** Starts the real server, with its sandbox of providers; an error where there is no program. */
export async function startRealServer(): Promise<TestServer> {
  const program = findProgram();
  if (program === undefined)
    throw new Error("the program semanas is not on the path: install it, or set SEMANAS_BIN to where it is");
  return startProgram(program);
}

function findProgram(): string | undefined {
  const named = process.env["SEMANAS_BIN"];
  if (named !== undefined && named !== "") {
    if (existsSync(named)) return named;
    throw new Error(`SEMANAS_BIN names no program: there is no ${named}`);
  }
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.map((folder) => join(folder, "semanas")).find((path) => existsSync(path));
}
