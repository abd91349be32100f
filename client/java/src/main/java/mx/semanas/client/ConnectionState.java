package mx.semanas.client;

/** A state of the connection to the server. */
public enum ConnectionState {
  /** It has nothing to do: the next call connects. */
  IDLE,
  /** It is being made. */
  CONNECTING,
  /** It takes calls. */
  READY,
  /** It could not be made; it is tried again. */
  FAILED
}
