/**
 * The real server: starts `semanas demo --serve` and learns where it is.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { TestServer } from "./fake.js";

/** The program may be built for debugging, and the machine busy. */
const START_PATIENCE_MS = 60_000;
const STOP_PATIENCE_MS = 20_000;
/** The one line that it prints. */
const SERVES_AT = "SEMANAS_SERVER=";

/** Starts the program; it ends with `stop`, and with this process in any case. */
export async function startProgram(program: string): Promise<TestServer> {
  const child = spawn(program, ["demo", "--serve", "--listen", "127.0.0.1:0", "--latency", "0"], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  let complaints = "";
  child.stderr.on("data", (text: Buffer) => (complaints += text.toString()));
  // What the program does with a pipe that is closed is told by its exit.
  child.stdin.on("error", () => undefined);

  const stop = async (): Promise<void> => {
    const killer = setTimeout(() => child.kill("SIGKILL"), STOP_PATIENCE_MS);
    child.stdin.end();
    await ended;
    clearTimeout(killer);
  };

  const line = await firstLine(child.stdout, Promise.race([ended, once(child, "error").then(([error]) => String(error))]));
  if (!line.startsWith(SERVES_AT)) {
    child.kill("SIGKILL");
    throw new Error(
      `${program} demo --serve does not serve; it said ${JSON.stringify(line)} and complained ${JSON.stringify(complaints)}`,
    );
  }
  // Nobody reads what it may say later, and it must not wait for that.
  child.stdout.resume();
  return { endpoint: line.slice(SERVES_AT.length).trim(), isReal: true, stop };
}

async function firstLine(output: NodeJS.ReadableStream, ended: Promise<unknown>): Promise<string> {
  const lines = createInterface({ input: output });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const patience = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`nothing in ${START_PATIENCE_MS} ms`), START_PATIENCE_MS);
  });
  const line = once(lines, "line").then(([text]) => String(text));
  try {
    return await Promise.race([line, patience, ended.then((error) => (typeof error === "string" ? error : ""))]);
  } finally {
    clearTimeout(timer);
    lines.close();
  }
}
