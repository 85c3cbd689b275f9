interface Page<T> {
  readonly items: readonly T[]
  /** Cursor of the next page; null or empty on the last one. */
  readonly next: string | null
}

const maxPages = 50

/**
 * The items of all pages of a list.
 * @param readPage reads the page at a cursor; the first page has none
 * @throws Error when there are more than `maxPages`, such as when a cursor repeats.
 */
export async function readAllPages<T>(
  readPage: (cursor: string | undefined) => Promise<Page<T>>,
): Promise<T[]> {
  const items: T[] = []
  let cursor: string | undefined
  for (let count = 0; count < maxPages; count += 1) {
    const page = await readPage(cursor)
    items.push(...page.items)
    if (!page.next) return items
    cursor = page.next
  }
  throw new Error(`The list has more than ${maxPages} pages; ${items.length} items, next cursor ${cursor}.`)
}
