package mx.semanas.client;

/**
 * One wrong field of a request.
 *
 * @param field its path, for example {@code subject.curp}
 * @param description what is wrong with it
 */
public record Violation(String field, String description) {}
