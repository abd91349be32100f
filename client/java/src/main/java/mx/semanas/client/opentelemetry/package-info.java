/** Spans and {@code traceparent} by OpenTelemetry, whose API is an optional dependency. */
package mx.semanas.client.opentelemetry;
