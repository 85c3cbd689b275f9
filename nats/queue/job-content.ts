import type { JobContent } from '@pixelflow/core/ports/queue'

const version = 1
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The body of a job; empty without content. */
export function encodeJobContent(content: JobContent | undefined): Uint8Array {
  return encoder.encode(content === undefined ? '' : JSON.stringify({ version, ...content }))
}

/**
 * The content of a job; undefined when it has none, or one of another version: the actor then reads the task and the image.
 * Checks only the version, because jobs are written by PixelFlow alone.
 */
export function decodeJobContent(data: Uint8Array): JobContent | undefined {
  if (data.length === 0) return undefined
  try {
    const content = JSON.parse(decoder.decode(data)) as JobContent & { version?: unknown }
    if (content.version !== version || content.first.event.version !== 1) return undefined
    const { first, image } = content
    return { first: { ...first, storedAt: new Date(first.storedAt) }, image }
  } catch {
    return undefined
  }
}
