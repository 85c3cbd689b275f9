/** Bytes per second of one download of an image, whose bytes are counted and dropped. @throws Error when bytes are missing. */
export async function measureHttpDownload(baseUrl: string, id: string, totalBytes: number): Promise<number> {
  const startedAt = performance.now()
  const response = await fetch(`${baseUrl}/api/v1/images/${id}/content`)
  let received = 0
  for await (const chunk of response.body ?? []) received += chunk.length
  if (received !== totalBytes) throw new Error(`download: ${response.status}, ${received} bytes`)
  return totalBytes / ((performance.now() - startedAt) / 1000)
}
