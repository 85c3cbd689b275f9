import { Worker } from 'bullmq'
import { rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import sharp from 'sharp'
import { queueName, type ResizeJob } from './resize-job.ts'

/** The worker of the alternative: `worker.ts REDIS_PORT`. As many jobs at once as there are cores. Prints a line when it is ready. */
sharp.concurrency(1)
sharp.cache(false)
const connection = { host: '127.0.0.1', port: Number(process.argv[2]), maxRetriesPerRequest: null }

const worker = new Worker<ResizeJob>(
  queueName,
  async ({ data }) => {
    await sharp(data.source, { autoOrient: true })
      .resize({ width: data.width, withoutEnlargement: true })
      .jpeg()
      .toFile(data.result)
    await rm(data.source)
  },
  { connection, concurrency: availableParallelism() },
)
await worker.waitUntilReady()
console.log('ready')
