import { check } from 'k6'
import exec from 'k6/execution'
import http, { type RefinedParams, type Response } from 'k6/http'
import type { Options } from 'k6/options'
import { Rate, Trend } from 'k6/metrics'
import { gradientPng } from './images/gradient-png.ts'

/**
 * Checks that everything works for a few concurrent users: upload → task → events → result → delete, at BASE_URL, with the
 * bearer token TOKEN if it is set. Takes less than 15 seconds, and fails on any error.
 */

const baseUrl = (__ENV['BASE_URL'] ?? 'http://127.0.0.1:3000').replace(/\/$/, '')
const token = __ENV['TOKEN']

export const options: Options = {
  scenarios: {
    smoke: { executor: 'constant-vus', vus: 3, duration: '6s', gracefulStop: '8s' },
  },
  thresholds: {
    // k6 passes a threshold without samples, so without this one, a script that throws at its start would pass.
    journeys: ['rate==1'],
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    // Generous, because this test does not measure the speed; bench/ does.
    'http_req_duration{name:upload}': ['p(95)<2000'],
    'http_req_duration{name:result}': ['p(95)<2000'],
    task_duration: ['p(95)<5000'],
  },
}

/** Whether an iteration was completed. */
const journeys = new Rate('journeys')
const taskDuration = new Trend('task_duration', true)

export default function smoke(): void {
  let isComplete = false
  try {
    isComplete = runJourney()
  } finally {
    journeys.add(isComplete)
  }
}

/** @returns whether every stage was reached. */
function runJourney(): boolean {
  const png = gradientPng(64, 48, exec.scenario.iterationInTest)

  const uploaded = http.post(`${baseUrl}/api/v1/images`, png.buffer, named('upload', 'image/png'))
  if (!check(uploaded, { 'the image is stored': (answer) => answer.status === 201 })) return false

  const startedAt = Date.now()
  const body = JSON.stringify({ image: textAt(uploaded, 'id'), recipe: 'resize:32/blur:1/format:webp' })
  const accepted = http.post(`${baseUrl}/api/v1/tasks`, body, named('submit', 'application/json'))
  if (!check(accepted, { 'the task is accepted': (answer) => answer.status === 202 })) return false
  const task = `${baseUrl}/api/v1/tasks/${textAt(accepted, 'id')}`

  // The stream ends after the last event, so reading it to its end waits for the task.
  const events = http.get(`${task}/events`, { ...named('events'), timeout: '10s' })
  taskDuration.add(Date.now() - startedAt)
  check(events, {
    'the events are an event stream': ({ headers }) =>
      headers['Content-Type']?.startsWith('text/event-stream') === true,
    'the last event is completed': (answer) => kinds(answer).at(-1) === 'completed',
    'every event was received once': (answer) => new Set(ids(answer)).size === ids(answer).length,
  })

  const result = http.get(`${task}/outputs/default`, { ...named('result'), responseType: 'binary' })
  check(result, {
    'the result is served': (answer) => answer.status === 200,
    'the result is a WebP': (answer) => answer.headers['Content-Type'] === 'image/webp' && isWebp(answer),
  })

  const image = `${baseUrl}/api/v1/images/${textAt(uploaded, 'id')}`
  for (const [name, url] of Object.entries({ task, image })) {
    const deleted = http.del(url, null, named(`delete ${name}`))
    check(deleted, { [`the ${name} is deleted`]: (answer) => answer.status === 204 })
  }
  return true
}

/** One name for each kind of request; by default, k6 records each URL separately. */
function named(name: string, type?: string): RefinedParams<'text'> {
  const headers: Record<string, string> = {}
  if (type !== undefined) headers['Content-Type'] = type
  if (token !== undefined) headers['Authorization'] = `Bearer ${token}`
  return { headers, tags: { name } }
}

function textAt(answer: Response, field: string): string {
  return String(answer.json(field))
}

function kinds({ body }: Response): string[] {
  return [...String(body).matchAll(/^event: ?(.+)$/gm)].map(([, kind = '']) => kind)
}

function ids({ body }: Response): string[] {
  return [...String(body).matchAll(/^id: ?(.+)$/gm)].map(([, id = '']) => id)
}

function isWebp({ body }: { body: ArrayBuffer | string | null }): boolean {
  if (body === null || typeof body === 'string') return false
  const bytes = new Uint8Array(body)
  return String.fromCharCode(...bytes.subarray(0, 4), ...bytes.subarray(8, 12)) === 'RIFFWEBP'
}
