/**
 * Where the server is, and whether it may be spoken to in plain text. Opens no connection.
 */
import { ConfigurationError } from "./errors.js";

/** What of the options decides about an endpoint. */
export interface Exposure {
  readonly allowPlaintext: boolean;
  readonly hasToken: boolean;
  readonly hasCertificate: boolean;
  readonly hasAuthority: boolean;
}

/** A checked endpoint. */
export interface Endpoint {
  /** Scheme, host and port, without a path. */
  readonly origin: string;
  readonly isSecure: boolean;
}

/** Reads an endpoint, and refuses one that would show secrets to the network. */
export function parseEndpoint(text: string, exposure: Exposure): Endpoint {
  const url = parse(text);
  const isSecure = url.protocol === "https:";
  if (!isSecure) checkPlaintext(url, exposure);
  return { origin: url.origin, isSecure };
}

function parse(text: string): URL {
  const form = /^https?:\/\/[^/?#@\s]+\/?$/i;
  const url = form.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  // Port 0 is for those who listen.
  if (url === undefined || url.hostname === "" || url.port === "0") {
    throw new ConfigurationError({ sentence: "the endpoint must look like https://host:port or http://127.0.0.1:port" });
  }
  return url;
}

function checkPlaintext({ hostname: host, host: hostAndPort }: URL, exposure: Exposure): void {
  if (exposure.hasCertificate || exposure.hasAuthority) {
    throw new ConfigurationError({ sentence: `certificates are of use over TLS only: write https://${hostAndPort}` });
  }
  if (isLoopback(host)) return;
  if (exposure.hasToken) {
    throw new ConfigurationError({ sentence: `refusing to send a bearer token unencrypted to ${host}: use https://` });
  }
  if (!exposure.allowPlaintext) {
    throw new ConfigurationError({
      sentence:
        `refusing to send personal data unencrypted to ${host}: use https://, or set allowPlaintext where the network itself ` +
        "encrypts, as a service mesh does",
    });
  }
}

/** Whether what is sent there stays on this machine. A name other than `localhost` may point anywhere. */
function isLoopback(host: string): boolean {
  // URL has brought every way of writing an IPv4 address into this form, and IPv6 ones into their shortest.
  return host === "localhost" || /^127\.\d+\.\d+\.\d+$/.test(host) || host === "[::1]" || host.startsWith("[::ffff:7f");
}
