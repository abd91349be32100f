/**
 * A list read item by item, of which one page at a time is held. It does not know what is listed.
 */

/** One page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Empty at the end. */
  readonly nextPageToken: string;
}

/** The items from the page with that token on, each page fetched when it is reached. An empty page is no end; an empty token is. */
export async function* pages<T>(pageToken: string, fetch: (token: string) => Promise<Page<T>>): AsyncGenerator<T, void, void> {
  let token = pageToken;
  do {
    const { items, nextPageToken } = await fetch(token);
    yield* items;
    token = nextPageToken;
  } while (token !== "");
}
