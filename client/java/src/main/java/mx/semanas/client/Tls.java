package mx.semanas.client;

import io.grpc.ChannelCredentials;
import io.grpc.TlsChannelCredentials;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

/** Certificates and keys in PEM, made into what the transport wants, or refused in words. */
final class Tls {
  private static final Pattern KEY =
      Pattern.compile("-----BEGIN PRIVATE KEY-----([^-]+)-----END PRIVATE KEY-----");
  private static final Map<String, String> SIGNATURES =
      Map.of("RSA", "SHA256withRSA", "EC", "SHA256withECDSA", "EdDSA", "EdDSA");
  private static final char[] NO_PASSWORD = new char[0];

  private Tls() {}

  /** Each of them null where it was not given. */
  static ChannelCredentials credentials(String authorities, String certificate, String key) {
    if ((certificate == null) != (key == null)) {
      throw new SemanasException.Configuration(
          "a client certificate and its key go together: give both, or neither");
    }
    TlsChannelCredentials.Builder made = TlsChannelCredentials.newBuilder();
    if (authorities != null) {
      made.trustManager(trust(authorities));
    }
    if (certificate != null) {
      made.keyManager(identity(certificate, key));
    }
    return made.build();
  }

  /** The system's authorities and those given. */
  private static TrustManager[] trust(String pem) {
    Collection<? extends Certificate> given = certificates(pem, "the certificate authority");
    try {
      KeyStore all = emptyStore();
      int number = 0;
      for (X509Certificate one : systemAuthorities()) {
        all.setCertificateEntry("system-" + number++, one);
      }
      for (Certificate one : given) {
        all.setCertificateEntry("given-" + number++, one);
      }
      TrustManagerFactory factory =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      factory.init(all);
      return factory.getTrustManagers();
    } catch (GeneralSecurityException | IOException impossible) {
      throw new SemanasException.Configuration(
          "this Java cannot read the system's certificate authorities");
    }
  }

  private static X509Certificate[] systemAuthorities() throws GeneralSecurityException {
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init((KeyStore) null);
    for (TrustManager manager : factory.getTrustManagers()) {
      if (manager instanceof X509TrustManager system) {
        return system.getAcceptedIssuers();
      }
    }
    return new X509Certificate[0];
  }

  private static KeyManager[] identity(String certificatePem, String keyPem) {
    Collection<? extends Certificate> chain =
        certificates(certificatePem, "the client certificate");
    Certificate own = chain.iterator().next();
    try {
      PrivateKey key = key(keyPem, own.getPublicKey());
      KeyStore store = emptyStore();
      store.setKeyEntry("client", key, NO_PASSWORD, chain.toArray(new Certificate[0]));
      KeyManagerFactory factory =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      factory.init(store, NO_PASSWORD);
      return factory.getKeyManagers();
    } catch (GeneralSecurityException | IOException | IllegalArgumentException wrong) {
      // No cause: it may quote the key.
      throw new SemanasException.Configuration(
          "the client's key must be PEM in PKCS#8 (BEGIN PRIVATE KEY), without a password, and"
              + " belong to the certificate; openssl pkcs8 -topk8 -nocrypt converts other forms");
    }
  }

  private static PrivateKey key(String pem, PublicKey publicKey) throws GeneralSecurityException {
    Matcher found = KEY.matcher(pem);
    if (!found.find()) {
      throw new GeneralSecurityException("no key");
    }
    byte[] der = Base64.getMimeDecoder().decode(found.group(1).strip());
    String algorithm = publicKey.getAlgorithm();
    PrivateKey key =
        KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(der));
    byte[] sample = "semanas".getBytes(StandardCharsets.US_ASCII);
    Signature signature = Signature.getInstance(SIGNATURES.getOrDefault(algorithm, algorithm));
    signature.initSign(key);
    signature.update(sample);
    byte[] signed = signature.sign();
    signature.initVerify(publicKey);
    signature.update(sample);
    if (!signature.verify(signed)) {
      throw new GeneralSecurityException("another certificate's key");
    }
    return key;
  }

  private static Collection<? extends Certificate> certificates(String pem, String what) {
    try {
      byte[] bytes = pem.getBytes(StandardCharsets.UTF_8);
      Collection<? extends Certificate> found =
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new ByteArrayInputStream(bytes));
      if (!found.isEmpty()) {
        return found;
      }
    } catch (CertificateException wrong) {
      throw new SemanasException.Configuration(what + " holds no certificate in PEM");
    }
    throw new SemanasException.Configuration(what + " holds no certificate in PEM");
  }

  private static KeyStore emptyStore() throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    return store;
  }
}
