import type { z } from 'zod'
import {
  imageView,
  taskPageView,
  taskView,
  type ImageView,
  type TaskPageView,
  type TaskView,
} from '@pixelflow/core/api'
import type { Recipe } from '@pixelflow/core/recipe/recipe'
import { Exit } from '../exit.ts'
import { codeOf, exitOf, unreachable } from './problem.ts'

export interface ServerOptions {
  /** Base address without a slash at the end. */
  readonly url: string
  readonly token?: string | undefined
  /** Ends every call under way. */
  readonly signal: AbortSignal
}

/** A PixelFlow server as the commands see it. Every call throws an Exit that fits what went wrong. */
export interface Server {
  readonly url: string
  /** Any call; the answer is what the server gave, whatever its status. */
  fetch(path: string, init?: RequestInit & { timeout?: false }): Promise<Response>
  image(id: string): Promise<ImageView>
  task(id: string): Promise<TaskView>
  tasks(query: { status?: string; limit: number; cursor?: string }): Promise<TaskPageView>
  createTask(image: string, recipe: Recipe): Promise<TaskView>
  cancel(id: string): Promise<TaskView>
  remove(id: string): Promise<void>
  /** The server's version; null when it is none of ours, or nobody answers. */
  version(): Promise<string | null>
}

export function openServer({ url, token, signal }: ServerOptions): Server {
  const headers = { 'user-agent': 'pixelflow-cli', ...(token ? { authorization: `Bearer ${token}` } : {}) }

  const call: Server['fetch'] = async (path, init = {}) => {
    const signals = [signal, ...(init.signal ? [init.signal] : [])]
    try {
      return await fetch(`${url}${path}`, {
        ...init,
        headers: { ...headers, ...(init.headers as Record<string, string> | undefined) },
        signal: AbortSignal.any(signals),
      })
    } catch (error) {
      throw thrownBy(error, url, signal)
    }
  }
  const ask = async (path: string, init?: RequestInit): Promise<Response> => {
    const response = await call(path, init)
    if (!response.ok) throw await exitOf(response)
    return response
  }
  const body = (value: unknown): RequestInit => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(value),
  })

  return {
    url,
    fetch: call,
    image: async (id) => read(imageView, await ask(`/api/v1/images/${encodeURIComponent(id)}`)),
    task: async (id) => read(taskView, await ask(`/api/v1/tasks/${encodeURIComponent(id)}`)),
    async tasks({ status, limit, cursor }) {
      const query = new URLSearchParams({ limit: String(limit) })
      if (status !== undefined) query.set('status', status)
      if (cursor !== undefined) query.set('cursor', cursor)
      return read(taskPageView, await ask(`/api/v1/tasks?${query.toString()}`))
    },
    createTask: async (image, recipe) => read(taskView, await ask('/api/v1/tasks', body({ image, recipe }))),
    cancel: async (id) =>
      read(taskView, await ask(`/api/v1/tasks/${encodeURIComponent(id)}/cancel`, { method: 'POST' })),
    async remove(id) {
      await ask(`/api/v1/tasks/${encodeURIComponent(id)}`, { method: 'DELETE' })
    },
    async version() {
      try {
        const response = await call('/api/v1/settings', { signal: AbortSignal.timeout(3000) })
        const settings = response.ok ? ((await response.json()) as { version?: unknown } | null) : null
        return typeof settings?.version === 'string' ? settings.version : null
      } catch {
        return null
      }
    },
  }
}

/** An answer's body in the form that the interface promises. */
export async function read<T>(schema: z.ZodType<T>, response: Response): Promise<T> {
  const result = schema.safeParse(await response.json().catch(() => undefined))
  if (result.success) return result.data
  throw new Exit(
    'failed',
    `The answer of ${new URL(response.url).origin} is not one of a PixelFlow server.`,
    {
      remedy: 'Check the address; ./pixelflow version shows what answers there.',
      cause: result.error,
    },
  )
}

/** What an exception of a call or of its body means: interrupted, or nobody there. */
export function thrownBy(error: unknown, url: string, signal: AbortSignal): unknown {
  if (signal.aborted) return new Exit('interrupted', 'Interrupted.')
  if (error instanceof Exit) return error
  const isBroken = codeOf(error) !== undefined || (error instanceof Error && error.name === 'TimeoutError')
  return isBroken ? unreachable(url, error) : error
}
