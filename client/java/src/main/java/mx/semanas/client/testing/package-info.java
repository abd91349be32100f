/**
 * A server for the tests of those who use the client: the real one with its sandbox where the
 * program is at hand, else a fake that answers as it is told.
 */
package mx.semanas.client.testing;
