package mx.semanas.conformance;

import com.google.gson.JsonObject;
import java.time.Duration;
import java.util.Optional;

/** Named values of a case, each of which may be absent. */
record Options(JsonObject given) {
  Options(JsonObject given) {
    this.given = given == null ? new JsonObject() : given;
  }

  boolean isNull(String name) {
    return given.has(name) && given.get(name).isJsonNull();
  }

  private boolean isThere(String name) {
    return given.has(name) && !given.get(name).isJsonNull();
  }

  boolean isSet(String name) {
    return isThere(name) && given.get(name).getAsBoolean();
  }

  Optional<String> text(String name) {
    return isThere(name) ? Optional.of(given.get(name).getAsString()) : Optional.empty();
  }

  Optional<Integer> number(String name) {
    return isThere(name) ? Optional.of(given.get(name).getAsInt()) : Optional.empty();
  }

  Optional<Duration> span(String name) {
    return isThere(name)
        ? Optional.of(Duration.ofMillis(given.get(name).getAsLong()))
        : Optional.empty();
  }
}
