package semanas

import "iter"

// pages gives the items of a paged list one by one, of which it holds one page at a time. An empty page is no end; an empty token is.
func pages[T any](token string, fetch func(token string) (items []*T, next string, err error)) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for token := token; ; {
			items, next, err := fetch(token)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			token = next
		}
	}
}
