package mx.semanas.client;

import io.grpc.CallCredentials;
import io.grpc.Channel;
import io.grpc.ChannelCredentials;
import io.grpc.ClientInterceptor;
import io.grpc.ClientInterceptors;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** What a connection is made with. Everything that was not given is null or empty. */
final class ConnectionOptions {
  static final String USER_AGENT = "semanas-client-java/" + SemanasClient.VERSION;

  /** A connection with open calls that is quiet for so long is pinged. */
  private static final long KEEPALIVE_INTERVAL_S = 15;

  /** How long the answer to a ping may take. */
  private static final long KEEPALIVE_TIMEOUT_S = 10;

  /** The names of the options that were given. */
  final List<String> given = new ArrayList<>();

  final List<ClientInterceptor> interceptors = new ArrayList<>();
  Supplier<String> token;
  Optional<String> fixedToken = Optional.empty();
  String authorities;
  String certificate;
  String key;
  boolean allowsPlaintext;
  String userAgent = "";

  Connection connect(Endpoint endpoint, Settings settings) {
    endpoint.checkPlaintext(
        allowsPlaintext, token != null, certificate != null || key != null, authorities != null);
    fixedToken.ifPresent(BearerToken::checked);
    if (!userAgent.matches("[ -~]*")) {
      throw new SemanasException.Configuration("the user agent must be printable ASCII");
    }
    ChannelCredentials security =
        endpoint.isSecure()
            ? Tls.credentials(authorities, certificate, key)
            : InsecureChannelCredentials.create();
    Connection.Threads threads = new Connection.Threads();
    long connectMs = Spans.nanos(settings.connectTimeout()) / 1_000_000;
    NettyChannelBuilder building =
        NettyChannelBuilder.forTarget(endpoint.target(), security)
            // We know which calls may be repeated; the transport does not.
            .disableRetry()
            // Neither may whoever writes the zone's TXT records change how calls are made.
            .disableServiceConfigLookUp()
            .userAgent((userAgent + " " + USER_AGENT).strip())
            .maxInboundMessageSize(Outfit.ANSWER_BYTES_MAX)
            .keepAliveTime(KEEPALIVE_INTERVAL_S, TimeUnit.SECONDS)
            .keepAliveTimeout(KEEPALIVE_TIMEOUT_S, TimeUnit.SECONDS)
            .withOption(
                ChannelOption.CONNECT_TIMEOUT_MILLIS,
                (int) Math.max(1, Math.min(connectMs, Integer.MAX_VALUE)))
            .executor(threads.callbacks)
            .offloadExecutor(threads.callbacks)
            .intercept(interceptors);
    if (!endpoint.isSecure()) {
      // A proxy is a machine on the way: what is in plain text does not pass through it.
      building.proxyDetector(address -> null);
    }
    ManagedChannel channel = building.build();
    Optional<CallCredentials> credentials = Optional.ofNullable(token).map(BearerToken::new);
    Channel dressed =
        ClientInterceptors.intercept(channel, new Outfit(credentials, Optional.empty()));
    Connection connection = Connection.own(channel, dressed, threads);
    connection.tellStates(settings);
    return connection;
  }
}
