package mx.semanas.client;

import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.Function;

/**
 * The items of a paged list one by one, a page at a time. An empty page is no end; an empty token
 * is.
 */
final class Pages<T> implements Iterator<T> {
  private final Function<String, Page<T>> fetch;
  private Iterator<T> items = List.<T>of().iterator();

  /** Null after the last page. */
  private String token;

  Pages(String token, Function<String, Page<T>> fetch) {
    this.token = token;
    this.fetch = fetch;
  }

  record Page<T>(List<T> items, String nextToken) {}

  @Override
  public boolean hasNext() {
    while (!items.hasNext() && token != null) {
      Page<T> page = fetch.apply(token);
      items = page.items.iterator();
      token = page.nextToken.isEmpty() ? null : page.nextToken;
    }
    return items.hasNext();
  }

  @Override
  public T next() {
    if (!hasNext()) {
      throw new NoSuchElementException("there are no more");
    }
    return items.next();
  }
}
