/**
 * The client of Semanas: {@link mx.semanas.client.SemanasClient} waits for its answers, {@link
 * mx.semanas.client.SemanasAsyncClient} does not.
 */
package mx.semanas.client;
