/**
 * Whom the client trusts, and how it shows who it is. Reads the environment and the disk for that, once.
 */
import { X509Certificate, createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import * as tls from "node:tls";
import { ConfigurationError } from "../core/errors.js";

/** What of the options is about TLS. */
export interface TlsOptions {
  readonly caCertificatePem?: string | undefined;
  readonly clientCertificatePem?: string | undefined;
  readonly clientKeyPem?: string | undefined;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** The settings of Node.js for these, or a mistake that says what to mend. Quotes neither certificate nor key. */
export function secureContextOf(options: TlsOptions): tls.SecureContextOptions {
  const { caCertificatePem, clientCertificatePem, clientKeyPem } = options;
  return {
    minVersion: "TLSv1.2",
    ...(caCertificatePem !== undefined && { ca: [...trustedByDefault(), ...authorities(caCertificatePem)] }),
    ...identity(clientCertificatePem, clientKeyPem),
  };
}

function authorities(pem: string): string[] {
  const found = pem.match(CERTIFICATE) ?? [];
  if (found.length === 0 || !found.every(isCertificate)) {
    throw new ConfigurationError({ sentence: "caCertificatePem: holds no certificate in PEM" });
  }
  return found;
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

function identity(cert: string | undefined, key: string | undefined): tls.SecureContextOptions {
  if (cert === undefined && key === undefined) return {};
  const mistake = new ConfigurationError({
    sentence: "the client certificate and its key must both be given, in PEM, and belong together",
  });
  if (cert === undefined || key === undefined) throw mistake;
  try {
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) throw mistake;
  } catch {
    // The cause may quote the key's bytes.
    throw mistake;
  }
  return { cert, key };
}

/**
 * What Node.js trusts when it is told nothing, which `ca` would replace and not extend. Newer versions can be asked; for older ones it is
 * their list and what NODE_EXTRA_CA_CERTS names.
 */
function trustedByDefault(): readonly string[] {
  const { getCACertificates } = tls as { getCACertificates?: (kind: "default") => string[] };
  if (getCACertificates) return getCACertificates("default");
  return [...tls.rootCertificates, ...extraAuthorities()];
}

function extraAuthorities(): string[] {
  const path = process.env["NODE_EXTRA_CA_CERTS"];
  if (path === undefined || path === "") return [];
  try {
    return readFileSync(path, "utf8").match(CERTIFICATE) ?? [];
  } catch {
    // Node.js has said so when the process began, and goes on without them as well.
    return [];
  }
}
