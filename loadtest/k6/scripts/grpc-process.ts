import { check } from 'k6'
import crypto from 'k6/crypto'
import encoding from 'k6/encoding'
import { Trend } from 'k6/metrics'
import { scenarios } from '../../scenarios.ts'
import { defineOptions } from '../define-options.ts'
import { grpcCalls } from '../grpc-calls.ts'
import { nextImage } from '../next-image.ts'
import { runRound } from '../run-round.ts'
import { settings } from '../settings.ts'

/** Process streams over gRPC: the events of a task, then the bytes of its result. All users process one image. */

export { writeSummary as handleSummary } from '../write-summary.ts'

export const options = defineOptions(scenarios['grpc-process'])

interface ProcessMessage {
  readonly event?: { readonly token: string; readonly kind: string; readonly task: { readonly id: string } }
  readonly output?: { readonly sha256: string }
  /** Base64. */
  readonly chunk?: string
}

/** From the call to the last byte of the result, in milliseconds. */
const taskDuration = new Trend('task_duration', true)

export async function setup(): Promise<string> {
  const image = await grpcCalls.upload(nextImage())
  if (image === undefined) throw new Error('The upload of the image failed.')
  return image
}

export default function processImages(image: string): Promise<void> {
  return runRound(async () => {
    const events: NonNullable<ProcessMessage['event']>[] = []
    const digests: string[] = []
    let hasher = crypto.createHash('sha256')
    const startedAt = Date.now()
    const request = { image, recipe: JSON.parse(settings.recipe) as object }
    const error = await grpcCalls.stream('Process', [request], ({ event, output, chunk }: ProcessMessage) => {
      if (event !== undefined) events.push(event)
      if (output !== undefined) {
        digests.push(output.sha256)
        hasher = crypto.createHash('sha256')
      }
      if (chunk !== undefined) hasher.update(encoding.b64decode(chunk))
    })
    taskDuration.add(Date.now() - startedAt)
    const tokens = events.map(({ token }) => token)
    const isComplete = check(events, {
      'Process succeeds': () => error === undefined,
      'the first event is queued': (all) => all[0]?.kind === 'TASK_EVENT_KIND_QUEUED',
      'the last event is completed': (all) => all.at(-1)?.kind === 'TASK_EVENT_KIND_COMPLETED',
      'every event was received once': () => new Set(tokens).size === tokens.length,
      'the digest of the result is right': () => digests.at(-1) === hasher.digest('hex'),
    })
    const id = events[0]?.task.id
    return isComplete && id !== undefined && grpcCalls.unary('DeleteTask', { id }) !== undefined
  })
}

export function teardown(image: string): void {
  grpcCalls.unary('DeleteImage', { id: image })
}
