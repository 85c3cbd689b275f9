import { lanes } from '@pixelflow/core/job'
import type { Task } from '@pixelflow/core/task'
import type { Meters } from '@pixelflow/platform/telemetry/meters'
import type { StoredContent } from '../images/stored-content.ts'
import type { ImageUpload } from '../images/receive-image.ts'
import type { Usecases } from '../usecases.ts'
import type { gatewayMetrics } from './gateway-metrics.ts'

/** Wraps the use-cases to count uploaded and downloaded bytes, for every transport. */
export function countTraffic(usecases: Usecases, meters: Meters<typeof gatewayMetrics>): Usecases {
  const uploaded = meters.counter('uploadBytes')
  const downloaded = meters.counter('downloadBytes')
  for (const add of [uploaded, downloaded]) add(0, {})
  const upload = (one: ImageUpload): ImageUpload => ({
    ...one,
    body: countPieces(one.body, (n) => uploaded(n, {})),
  })
  const download = (content: StoredContent): StoredContent => ({
    ...content,
    open: async (range) => countPieces(await content.open(range), (n) => downloaded(n, {})),
  })

  return {
    ...usecases,
    uploadImage: (who, one, options) => usecases.uploadImage(who, upload(one), options),
    stageImage: (who, one) => usecases.stageImage(who, upload(one)),
    bufferImage: (who, one) => usecases.bufferImage(who, upload(one)),
    async processImage(...args) {
      const processed = await usecases.processImage(...args)
      return { ...processed, ...download(processed) }
    },
    getImageContent: async (...args) => download(await usecases.getImageContent(...args)),
    getOutput: async (...args) => download(await usecases.getOutput(...args)),
  }
}

/** Returns the function that counts a created task. */
export function countTasks(meters: Meters<typeof gatewayMetrics>): (task: Pick<Task, 'lane'>) => void {
  const queued = meters.counter('tasksQueued')
  for (const lane of lanes) queued(0, { lane })
  return ({ lane }) => queued(1, { lane })
}

/** Bytes after which the meter is updated: it costs as much as passing on a piece. */
const countEveryBytes = 1024 * 1024

/** Passes each piece on and counts it. Ending the iteration early also ends the source. */
async function* countPieces(
  source: AsyncIterable<Uint8Array>,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void> {
  let uncounted = 0
  try {
    for await (const piece of source) {
      uncounted += piece.length
      if (uncounted >= countEveryBytes) {
        count(uncounted)
        uncounted = 0
      }
      yield piece
    }
  } finally {
    count(uncounted)
  }
}
