//! A list read item by item, of which one page at a time is held. It does not know what is listed.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _};

use crate::error::Error;

/// The items of a paged list, fetched as they are read. It ends after its last item, or after its first error.
pub struct Pages<T>(BoxStream<'static, Result<T, Error>>);

enum Next {
    Page(String),
    End,
}

impl<T: Send + 'static> Pages<T> {
    /// `fetch` gives the items of the page with that token, and the next token (empty at the end).
    pub(crate) fn new<F>(fetch: impl Fn(String) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<(Vec<T>, String), Error>> + Send + 'static,
    {
        let start = (fetch, VecDeque::new(), Next::Page(String::new()));
        let items = futures::stream::try_unfold(start, |(fetch, mut held, mut next)| async move {
            loop {
                if let Some(item) = held.pop_front() {
                    return Ok(Some((item, (fetch, held, next))));
                }
                let Next::Page(token) = next else { return Ok(None) };
                let (items, token) = fetch(token).await?;
                held.extend(items);
                next = if token.is_empty() { Next::End } else { Next::Page(token) };
            }
        });
        Pages(items.boxed())
    }

    /// The next item; `None` after the last.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        self.0.next().await
    }
}

impl<T> Stream for Pages<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pages_are_fetched_as_they_are_read_and_an_empty_page_is_no_end() {
        let pages = Pages::new(|token| async move {
            Ok(match token.as_str() {
                "" => (vec![1, 2], "second".to_owned()),
                "second" => (vec![], "third".to_owned()),
                "third" => (vec![3], String::new()),
                other => panic!("page {other} was never offered"),
            })
        });
        let items: Vec<i32> = pages.map(Result::unwrap).collect().await;
        assert_eq!(items, [1, 2, 3]);
    }
}
