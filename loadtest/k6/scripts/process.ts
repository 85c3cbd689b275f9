import { check } from 'k6'
import { Trend } from 'k6/metrics'
import { scenarios } from '../../scenarios.ts'
import { defineOptions } from '../define-options.ts'
import { hexDigest } from '../hex-digest.ts'
import { restCalls } from '../rest-calls.ts'
import { nextImage } from '../next-image.ts'
import { runRound } from '../run-round.ts'
import { settings } from '../settings.ts'

/** Synchronous calls: the request is an image, the response is the result. */

export { writeSummary as handleSummary } from '../write-summary.ts'

export const options = defineOptions(scenarios.process)

const processDuration = new Trend('process_duration', true)
const path = `/api/v1/process?recipe=${encodeURIComponent(settings.recipe)}`

export default function processImages(): Promise<void> {
  return runRound(() => {
    const request = { method: 'POST', body: nextImage(), mediaType: 'image/jpeg', timeout: '90s' } as const
    const response = restCalls.send('process', path, request, 'binary')
    processDuration.add(response.timings.duration)
    return check(response, {
      'the image is processed': ({ status }) => status === 200,
      'the digest of the result is right': ({ body, headers }) =>
        body !== null && headers['Etag'] === `"${hexDigest(body)}"`,
    })
  })
}
