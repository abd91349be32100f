package mx.semanas.client;

import static mx.semanas.client.Messages.got;
import static mx.semanas.client.ScriptedServer.give;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.TlsServerCredentials;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** TLS, mTLS, and what is said of certificates that cannot be used. */
class TlsTest {
  @TempDir static Path folder;
  private static Keys keys;

  @BeforeAll
  static void issue() throws IOException {
    keys = new Keys(folder);
    keys.issue("server", "-ext", "san=dns:localhost");
    keys.issue("elsewhere", "-ext", "san=dns:elsewhere.example");
    keys.issue("client");
  }

  private static InputStream stream(String pem) {
    return new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII));
  }

  private static ScriptedServer server(String name, boolean isMutual)
      throws GeneralSecurityException, IOException {
    TlsServerCredentials.Builder credentials =
        TlsServerCredentials.newBuilder()
            .keyManager(stream(keys.certificate(name)), stream(keys.key(name)));
    if (isMutual) {
      credentials.trustManager(stream(keys.authority()));
      credentials.clientAuth(TlsServerCredentials.ClientAuth.REQUIRE);
    }
    return new ScriptedServer(credentials.build()).on("GetWorkHistory", give(got()));
  }

  private static SemanasException refusal(SemanasClientBuilder builder) {
    try (SemanasClient client = builder.retry(RetryPolicy.OFF).build()) {
      return assertThrows(SemanasException.Unavailable.class, () -> client.getWorkHistory("wh_1"));
    }
  }

  @Test
  void aPortWithoutTlsIsSaidInWords() throws Exception {
    try (ScriptedServer server = new ScriptedServer()) {
      SemanasException refused =
          refusal(SemanasClient.builder("https://localhost:" + server.port()));
      assertTrue(refused.getMessage().contains("does not speak TLS"), refused.getMessage());
    }
  }

  @Test
  void anAuthorityOfOnesOwnIsTrustedBesidesTheSystems() throws Exception {
    try (ScriptedServer server = server("server", false)) {
      try (SemanasClient client =
          server.client().caCertificatePem(keys.authority()).bearerToken("s3cret").build()) {
        client.getWorkHistory("wh_1");
      }
      assertEquals("Bearer s3cret", server.call(1).header("authorization"));
      SemanasException refused = refusal(server.client());
      assertTrue(refused.getMessage().contains("certification path"), refused.getMessage());
      assertEquals(1, server.seen.size());
    }
  }

  @Test
  void aCertificateForAnotherHostIsRefused() throws Exception {
    try (ScriptedServer server = server("elsewhere", false)) {
      refusal(server.client().caCertificatePem(keys.authority()));
      assertEquals(0, server.seen.size());
    }
  }

  @Test
  void aServerThatWantsACertificateIsShownIt() throws Exception {
    try (ScriptedServer server = server("server", true)) {
      try (SemanasClient client =
          server
              .client()
              .caCertificatePem(keys.authority())
              .clientCertificatePem(keys.certificate("client"), keys.key("client"))
              .build()) {
        client.getWorkHistory("wh_1");
      }
      refusal(server.client().caCertificatePem(keys.authority()));
      assertEquals(1, server.seen.size());
    }
  }

  @Test
  void whatCannotBeUsedIsSaidBeforeAnythingIsSent() throws Exception {
    String certificate = keys.certificate("client");
    String key = keys.key("client");
    check("both, or neither", builder().clientCertificatePem(certificate, null));
    check(
        "belong to the certificate",
        builder().clientCertificatePem(certificate, keys.key("server")));
    check("PKCS#8", builder().clientCertificatePem(certificate, "-----BEGIN EC PRIVATE KEY-----"));
    check("no certificate in PEM", builder().clientCertificatePem("nothing", key));
    check("no certificate in PEM", builder().caCertificatePem("nothing"));
    check(
        "https://",
        SemanasClient.builder("http://localhost").clientCertificatePem(certificate, key));
  }

  private static SemanasClientBuilder builder() {
    return SemanasClient.builder("https://semanas.example.mx");
  }

  private static void check(String expected, SemanasClientBuilder builder) {
    SemanasException refused = assertThrows(SemanasException.Configuration.class, builder::build);
    assertTrue(refused.getMessage().contains(expected), refused.getMessage());
    assertFalse(refused.getMessage().contains("BEGIN CERTIFICATE"));
  }
}
