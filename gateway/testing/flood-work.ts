import type { Problem } from '@pixelflow/core/problem'
import type { ImageView, TaskView } from '@pixelflow/core/views'
import { svg } from '@pixelflow/testkit/hostile/svg'

/** Work of one account that keeps each worker busy for a minute or more. */
export interface WorkFlood {
  /** Processes a slow SVG synchronously; returns the status, with the reason of a failure. */
  callOnce(signal: AbortSignal): Promise<string>
  /** Creates a heavy interactive task and returns its end. The task is cancelled when the signal aborts. */
  taskOnce(signal: AbortSignal): Promise<string>
}

/** Layers of turbulence near the limits for SVG. The AVIF encoder alone takes a minute or more for it. */
const slowSvg = svg(
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
  const svgBody = { method: 'POST', body: slowSvg as Uint8Array<ArrayBuffer> }
  const svgHeaders = { 'content-type': 'image/svg+xml' }
  const uploaded = await call('/api/v1/images', { ...svgBody, headers: svgHeaders })
  if (!uploaded.ok) throw new Error(`upload: ${uploaded.status} ${await uploaded.text()}`)
  const { id: image } = (await uploaded.json()) as ImageView

  return {
    async callOnce(signal) {
      const path = `/api/v1/process?recipe=${encodeURIComponent(recipe)}`
      const response = await call(path, { ...svgBody, headers: svgHeaders, signal })
      const text = await response.text()
      return response.ok ? '200' : `${response.status} ${(JSON.parse(text) as Problem).detail}`
    },
    async taskOnce(signal) {
      const created = await call('/api/v1/tasks', {
        method: 'POST',
        body: JSON.stringify({ image, recipe }),
        headers: { 'content-type': 'application/json' },
      })
      if (!created.ok) throw new Error(`task: ${created.status} ${await created.text()}`)
      const { id } = (await created.json()) as TaskView
      try {
        const text = await (await call(`/api/v1/tasks/${id}/events`, { signal })).text()
        return /"kind":"(completed|failed|cancelled)"/.exec(text)?.[1] ?? 'unknown'
      } finally {
        if (signal.aborted) await call(`/api/v1/tasks/${id}/cancel`, { method: 'POST' })
      }
    },
  }
}
