/**
 * What goes into the headers of each try: who calls, and by which program.
 */
import type { Interceptor } from "@connectrpc/connect";
import { Code } from "@connectrpc/connect";
import { VERSION } from "../version.js";
import { ConfigurationError } from "./errors.js";
import type { BearerToken } from "./options.js";
import { errorOf } from "./status.js";

const VISIBLE_ASCII = /^[!-~]+$/;
const PRINTABLE_ASCII = /^[ -~]*$/;

/** Refuses a token that no header can carry; it is not repeated. */
export function checkToken(token: BearerToken | undefined): void {
  if (typeof token === "string" && !VISIBLE_ASCII.test(token)) {
    throw new ConfigurationError({
      sentence: "the bearer token is empty, or has spaces, line ends or other characters that a header cannot carry",
    });
  }
}

/** The user agent: the caller's own first. */
export function userAgentOf(product: string | undefined): string {
  if (product !== undefined && !PRINTABLE_ASCII.test(product)) {
    throw new ConfigurationError({ sentence: "userAgent: only printable ASCII can be sent" });
  }
  return `${product ?? ""} semanas-client-typescript/${VERSION}`.trim();
}

/** Names the program in the header of that name. */
export function namesProgram(header: string, userAgent: string): Interceptor {
  return (next) => (request) => {
    request.header.set(header, userAgent);
    return next(request);
  };
}

/** Asks for the token of each try, and sends it. */
export function bearsToken(token: BearerToken): Interceptor {
  return (next) => async (request) => {
    request.header.set("authorization", `Bearer ${await ask(token)}`);
    return next(request);
  };
}

async function ask(token: BearerToken): Promise<string> {
  if (typeof token === "string") return token;
  let given: unknown;
  try {
    given = await token();
  } catch (cause) {
    throw errorOf(Code.Unauthenticated, "the function that gives the bearer token failed", { cause });
  }
  if (typeof given !== "string" || !VISIBLE_ASCII.test(given)) {
    throw errorOf(Code.Unauthenticated, "the function that gives the bearer token gave none that a header can carry");
  }
  return given;
}
