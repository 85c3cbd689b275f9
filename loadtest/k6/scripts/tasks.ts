import { check } from 'k6'
import { Trend } from 'k6/metrics'
import { scenarios } from '../../scenarios.ts'
import { defineOptions } from '../define-options.ts'
import { hexDigest } from '../hex-digest.ts'
import { restCalls } from '../rest-calls.ts'
import { nextImage } from '../next-image.ts'
import { parseEvents } from '../parse-events.ts'
import { runRound } from '../run-round.ts'

/** Upload → task → events → result, and everything is deleted again. */

export { writeSummary as handleSummary } from '../write-summary.ts'

export const options = defineOptions(scenarios.tasks)

/** From the call that creates the task to the end of its event stream, in milliseconds. */
const taskDuration = new Trend('task_duration', true)
const downloadDuration = new Trend('download_duration', true)
/** From the begin of the upload to the end of the download, in milliseconds. */
const totalDuration = new Trend('total_duration', true)

export default function processImages(): Promise<void> {
  return runRound(() => {
    const startedAt = Date.now()
    const image = restCalls.upload(nextImage())
    if (image === undefined) return false
    const task = restCalls.createTask(image)
    if (task === undefined) return false

    // k6 has no server-sent events. The stream ends after the final event, so its whole body is the history of the task.
    const stream = restCalls.send('events', `/api/v1/tasks/${task.id}/events`)
    taskDuration.add(task.ms + stream.timings.duration)
    const events = parseEvents(stream.body)
    check(events, {
      'the first event is queued': (all) => all[0]?.kind === 'queued',
      'the last event is completed': (all) => all.at(-1)?.kind === 'completed',
      'every event was received once': (all) => new Set(all.map(({ id }) => id)).size === all.length,
    })

    const output = events.at(-1)?.data.task.outputs[0]
    if (output === undefined) return false
    const result = restCalls.send('download', output.href, {}, 'binary')
    downloadDuration.add(result.timings.duration)
    totalDuration.add(Date.now() - startedAt)
    check(result, {
      'the result is served': ({ status }) => status === 200,
      'the digest of the result is right': ({ body }) => body !== null && hexDigest(body) === output.sha256,
    })

    restCalls.deleteTask(task.id)
    restCalls.deleteImage(image)
    return true
  })
}
