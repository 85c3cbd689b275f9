/** Complete JSON bodies with 430,000 unknown keys. */

const keys = 430_000

/** One JSON object of 3.8 MB. */
export function unknownKeys(): Uint8Array<ArrayBuffer> {
  const members = Array.from({ length: keys }, (_, at) => `"${at.toString(36)}":0`)
  return new TextEncoder().encode(`{${members.join(',')}}`)
}

/** Target paths: two that need a token and one that is public. */
export const keyPaths = [
  '/api/v1/tasks',
  '/pixelflow.v1.ImageService/CreateTask',
  '/pixelflow.v1.ImageService/GetVersion',
] as const

/** Sends the body without a token; returns the status, or `closed` when the connection ended without one. */
export async function sendKeys(
  url: string,
  path: string,
  body: Uint8Array<ArrayBuffer>,
  signal: AbortSignal,
): Promise<string> {
  const headers = { 'content-type': 'application/json' }
  try {
    const response = await fetch(`${url}${path}`, { method: 'POST', headers, body, signal, keepalive: false })
    await response.arrayBuffer()
    return String(response.status)
  } catch {
    return 'closed'
  }
}
