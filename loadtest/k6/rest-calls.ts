import { check } from 'k6'
import http, { type RefinedResponse, type ResponseType } from 'k6/http'
import { Trend } from 'k6/metrics'
import { hexDigest } from './hex-digest.ts'
import { settings } from './settings.ts'

/** Time of an upload in milliseconds, until the image is stored. */
const uploadDuration = new Trend('upload_duration', true)

export interface HttpCallOptions {
  readonly method?: 'GET' | 'POST' | 'DELETE'
  readonly body?: ArrayBuffer | string
  readonly mediaType?: string
  /** Default 60 s. */
  readonly timeout?: string
}

/** Sends a request. `name` is the name of the call in metrics. */
function send<T extends ResponseType = 'text'>(
  name: string,
  path: string,
  { method = 'GET', body, mediaType, timeout = '60s' }: HttpCallOptions = {},
  responseType: T = 'text' as T,
): RefinedResponse<T> {
  const headers: Record<string, string> = {}
  if (mediaType !== undefined) headers['Content-Type'] = mediaType
  if (settings.token !== undefined) headers['Authorization'] = `Bearer ${settings.token}`
  const url = `${settings.url}${path}`
  return http.request<T>(method, url, body ?? null, { headers, tags: { name }, responseType, timeout })
}

/** The calls of the users over HTTP. Each checks its response, except `send`. */
export const restCalls = { send, upload, createTask, deleteTask, deleteImage }

/** Uploads an image. Returns its id; undefined when that failed. */
function upload(image: ArrayBuffer): string | undefined {
  const response = send('upload', '/api/v1/images', { method: 'POST', body: image, mediaType: 'image/jpeg' })
  uploadDuration.add(response.timings.duration)
  const isStored = check(response, {
    'the image is stored': ({ status }) => status === 201,
    'the digest of the image is right': (stored) => textAt(stored, 'sha256') === hexDigest(image),
  })
  return isStored ? textAt(response, 'id') : undefined
}

/** Creates a task. Returns its id; undefined when that failed. */
function createTask(image: string): { id: string; ms: number } | undefined {
  const response = send('create task', '/api/v1/tasks', {
    method: 'POST',
    body: JSON.stringify({ image, recipe: JSON.parse(settings.recipe) as object }),
    mediaType: 'application/json',
  })
  const isAccepted = check(response, { 'the task is accepted': ({ status }) => status === 202 })
  return isAccepted ? { id: textAt(response, 'id') ?? '', ms: response.timings.duration } : undefined
}

function deleteTask(id: string): void {
  const response = send('delete task', `/api/v1/tasks/${id}`, { method: 'DELETE' })
  check(response, { 'the task is deleted': ({ status }) => status === 204 })
}

function deleteImage(id: string): void {
  const response = send('delete image', `/api/v1/images/${id}`, { method: 'DELETE' })
  check(response, { 'the image is deleted': ({ status }) => status === 204 })
}

/** A field of a JSON body; undefined when the body is not JSON, as in an answer of another server. */
function textAt({ body }: RefinedResponse<'text'>, field: string): string | undefined {
  try {
    const value: unknown = JSON.parse(body)[field]
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}
