import type { ImageView, Problem, TaskView } from '@pixelflow/core/api'
import { svg } from '@pixelflow/testkit/hostile/svg'

/** Work of one account that keeps children busy for a minute and more each. Only tests and benchmarks use it. */
export interface WorkFlood {
  /** Sends a slow drawing and waits for its picture; returns the status, with the reason where there is no picture. */
  callOnce(signal: AbortSignal): Promise<string>
  /** Makes a heavy task in the interactive lane and follows it to its end, which it returns; it is cancelled when the signal aborts. */
  taskOnce(signal: AbortSignal): Promise<string>
}

/** Clouds behind clouds: near the most that a drawing may ask for; its encoder alone takes a minute and more. */
const drawing = svg(
  '<filter id="f"><feTurbulence baseFrequency=".01" numOctaves="2"/></filter>' +
    '<rect width="100%" height="100%" filter="url(#f)"/>'.repeat(4),
  3000,
)
const recipe = 'resize:3000x3000:fill:enlarge/format:avif:effort=9'

export async function openWorkFlood(url: string, token: string): Promise<WorkFlood> {
  const call = (path: string, init: RequestInit = {}) =>
    fetch(`${url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${token}`, ...(init.headers as Record<string, string>) },
    })
  const svgBody = { method: 'POST', body: drawing as Uint8Array<ArrayBuffer> }
  const drawn = { 'content-type': 'image/svg+xml' }
  const uploaded = await call('/api/v1/images', { ...svgBody, headers: drawn })
  if (!uploaded.ok) throw new Error(`upload: ${uploaded.status} ${await uploaded.text()}`)
  const { id: image } = (await uploaded.json()) as ImageView

  return {
    async callOnce(signal) {
      const path = `/api/v1/process?recipe=${encodeURIComponent(recipe)}`
      const answer = await call(path, { ...svgBody, headers: drawn, signal })
      const text = await answer.text()
      return answer.ok ? '200' : `${answer.status} ${(JSON.parse(text) as Problem).detail}`
    },
    async taskOnce(signal) {
      const made = await call('/api/v1/tasks', {
        method: 'POST',
        body: JSON.stringify({ image, recipe }),
        headers: { 'content-type': 'application/json' },
      })
      if (!made.ok) throw new Error(`task: ${made.status} ${await made.text()}`)
      const { id } = (await made.json()) as TaskView
      try {
        const text = await (await call(`/api/v1/tasks/${id}/events`, { signal })).text()
        return /"kind":"(completed|failed|cancelled)"/.exec(text)?.[1] ?? 'unknown end'
      } finally {
        if (signal.aborted) await call(`/api/v1/tasks/${id}/cancel`, { method: 'POST' })
      }
    },
  }
}
