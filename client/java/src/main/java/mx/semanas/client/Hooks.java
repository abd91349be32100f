package mx.semanas.client;

/**
 * What a user's own code is told, for metrics and logs; it sees no personal data. The methods are
 * called by many threads, and must be quick: the call waits. What they throw is ignored.
 */
public interface Hooks {
  /**
   * Told of each attempt of a call once it has ended, and of each stream of a watch once that has.
   *
   * @param attempt how it went
   */
  default void attempt(Attempt attempt) {}

  /**
   * Told of the connection's state, the first one included, and then whenever it has changed.
   *
   * @param state the state
   */
  default void connection(ConnectionState state) {}
}
