import { lanes } from '@pixelflow/core/job'
import type { Task } from '@pixelflow/core/task'
import type { Meters } from '@pixelflow/platform/telemetry/meters'
import type { StoredContent } from '../images/content.ts'
import type { ImageUpload } from '../images/receive-image.ts'
import type { Usecases } from '../usecases.ts'
import type { gatewayMetrics } from './gateway-metrics.ts'

/** The same use-cases, with what goes through them counted, whichever transport they are called by. */
export function countTraffic(usecases: Usecases, meters: Meters<typeof gatewayMetrics>): Usecases {
  const uploaded = meters.counter('uploadBytes')
  const downloaded = meters.counter('downloadBytes')
  for (const add of [uploaded, downloaded]) add(0, {})
  const upload = (one: ImageUpload): ImageUpload => ({
    ...one,
    body: pieces(one.body, (n) => uploaded(n, {})),
  })
  const download = (content: StoredContent): StoredContent => ({
    ...content,
    open: async (range) => pieces(await content.open(range), (n) => downloaded(n, {})),
  })

  return {
    ...usecases,
    uploadImage: (who, one, as) => usecases.uploadImage(who, upload(one), as),
    stageImage: (who, one) => usecases.stageImage(who, upload(one)),
    bufferImage: (who, one) => usecases.bufferImage(who, upload(one)),
    async processImage(...asked) {
      const processed = await usecases.processImage(...asked)
      return { ...processed, ...download(processed) }
    },
    readImage: async (...asked) => download(await usecases.readImage(...asked)),
    readOutput: async (...asked) => download(await usecases.readOutput(...asked)),
  }
}

/** Counts the tasks that it is told of. */
export function countTasks(meters: Meters<typeof gatewayMetrics>): (task: Pick<Task, 'lane'>) => void {
  const queued = meters.counter('tasksQueued')
  for (const lane of lanes) queued(0, { lane })
  return ({ lane }) => queued(1, { lane })
}

/** Hands each piece on as it comes; leaving early ends the source too. */
async function* pieces(
  source: AsyncIterable<Uint8Array>,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void> {
  for await (const piece of source) {
    count(piece.length)
    yield piece
  }
}
