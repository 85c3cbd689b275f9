import type { Client, ContentRef } from '@pixelflow/client'

/** The bytes of a stored image, as a Blob that the browser can show. */
export async function downloadBlob(client: Client, from: ContentRef, signal: AbortSignal): Promise<Blob> {
  const { body, mediaType } = await client.download(from, { signal })
  return new Response(body, { headers: { 'content-type': mediaType } }).blob()
}
