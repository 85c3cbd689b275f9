import type { Client, ContentRef } from '@pixelflow/client'

/** All of something stored, for the browser to show. */
export async function blobOf(client: Client, from: ContentRef, signal: AbortSignal): Promise<Blob> {
  const { body, mediaType } = await client.download(from, { signal })
  return new Response(body, { headers: { 'content-type': mediaType } }).blob()
}
