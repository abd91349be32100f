package mx.semanas.client;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Where the server is, and whether it may be spoken to in plain text. Opens no connection and asks
 * no name server.
 *
 * @param host a name or an address; an IPv6 address in brackets
 */
record Endpoint(String host, int port, boolean isSecure) {
  private static final String SHAPE =
      "the endpoint must look like https://host:port or http://127.0.0.1:port";
  private static final int PORT_MAX = 65_535;

  /** A number of an address; other spellings such as 127.1 are names to us, and so not loopback. */
  private static final String OCTET = "(25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})";

  private static final Pattern LOOPBACK =
      Pattern.compile(
          "localhost|(127(\\."
              + OCTET
              + "){3})|(\\[(::|(0{1,4}:){7})0{0,3}1])"
              + "|(\\[::ffff:127(\\."
              + OCTET
              + "){3}])");

  static Endpoint parse(String text) {
    URI uri;
    try {
      uri = new URI(text);
    } catch (URISyntaxException | NullPointerException malformed) {
      throw new SemanasException.Configuration(SHAPE);
    }
    String scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
    boolean isSecure = scheme.equals("https");
    boolean hasMore =
        uri.getRawUserInfo() != null
            || (uri.getRawPath() != null && !uri.getRawPath().matches("/?"))
            || uri.getRawQuery() != null
            || uri.getRawFragment() != null;
    if (!(isSecure || scheme.equals("http")) || uri.getHost() == null || hasMore) {
      throw new SemanasException.Configuration(SHAPE);
    }
    int otherwise = isSecure ? 443 : 80;
    int port = uri.getPort() == -1 ? otherwise : uri.getPort();
    if (port == 0 || port > PORT_MAX) {
      throw new SemanasException.Configuration(SHAPE);
    }
    return new Endpoint(uri.getHost(), port, isSecure);
  }

  /** As grpc-java wants it: a URI, in whose path the brackets of IPv6 cannot stand. */
  String target() {
    return "dns:///" + host.replace("[", "%5B").replace("]", "%5D") + ":" + port;
  }

  /** Whether what is sent stays on this machine. A name but localhost may point anywhere. */
  boolean isLoopback() {
    return LOOPBACK.matcher(host.toLowerCase(Locale.ROOT)).matches();
  }

  void checkPlaintext(boolean allowed, boolean hasToken, boolean hasCertificate, boolean hasCa) {
    if (isSecure) {
      return;
    }
    if (hasCertificate || hasCa) {
      throw new SemanasException.Configuration(
          "certificates are of use over TLS only: write https://" + host + ":" + port);
    }
    if (isLoopback()) {
      return;
    }
    if (hasToken) {
      throw new SemanasException.Configuration(
          "refusing to send a bearer token unencrypted to " + host + ": use https://");
    }
    if (!allowed) {
      throw new SemanasException.Configuration(
          "refusing to send personal data unencrypted to "
              + host
              + ": use https://, or allowPlaintext() where the network itself"
              + " encrypts, as a service mesh does");
    }
  }
}
