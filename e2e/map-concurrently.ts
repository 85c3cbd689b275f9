/** Maps all items, at most `concurrency` at the same time. The results are in the order of the items. */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  concurrency: number,
  map: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const mapNext = async () => {
    for (let index = next++; index < items.length; index = next++)
      results[index] = await map(items[index] as T, index)
  }
  await Promise.all(Array.from({ length: concurrency }, mapNext))
  return results
}
