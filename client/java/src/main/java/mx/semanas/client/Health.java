package mx.semanas.client;

/** Whether the server takes work. */
public enum Health {
  /** It does. */
  SERVING,
  /** It is up and takes none: it is starting, draining, or its store does not answer. */
  NOT_SERVING,
  /** It does not say. */
  UNKNOWN
}
