import multipart from '@fastify/multipart'
import { QueueEvents, Queue } from 'bullmq'
import fastify from 'fastify'
import { createReadStream, createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { queueName, type ResizeJob } from './resize-job.ts'

/**
 * The HTTP server of the alternative: `server.ts REDIS_PORT FOLDER`. It stores an upload as a file, adds a job, reports its end as a
 * server-sent event, and serves the result. The paths are those of PixelFlow, so that one client measures both. Prints its port.
 */
const [redisPort, folder = ''] = process.argv.slice(2)
const connection = { host: '127.0.0.1', port: Number(redisPort), maxRetriesPerRequest: null }
const queue = new Queue<ResizeJob>(queueName, { connection })
const ended = new QueueEvents(queueName, { connection })
// Each waiting request listens.
ended.setMaxListeners(0)
await ended.waitUntilReady()

const app = fastify({ bodyLimit: 2 ** 30 })
await app.register(multipart, { limits: { fileSize: 2 ** 30 } })

app.post('/api/v1/tasks', async (request, reply) => {
  let width = 0
  const id = crypto.randomUUID()
  const source = join(folder, `${id}.source`)
  for await (const part of request.parts()) {
    if (part.type === 'file') await pipeline(part.file, createWriteStream(source))
    else width = Number(String(part.value).replace('resize:', ''))
  }
  await queue.add(
    'resize',
    { source, result: join(folder, `${id}.jpg`), width },
    {
      jobId: id,
      attempts: 3,
      backoff: { type: 'exponential', delay: 1000 },
      removeOnComplete: { count: 1000 },
    },
  )
  return reply.code(202).send({ id })
})

app.get<{ Params: { id: string } }>('/api/v1/tasks/:id/events', async (request, reply) => {
  const job = await queue.getJob(request.params.id)
  if (job === undefined) return reply.code(404).send()
  reply.hijack()
  reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  const end = await job.waitUntilFinished(ended).then(
    () => 'completed',
    () => 'failed',
  )
  reply.raw.end(`event: ${end}\ndata: ${JSON.stringify({ id: job.id, status: end })}\n\n`)
})

app.get<{ Params: { id: string } }>('/api/v1/tasks/:id/outputs/default', async (request, reply) => {
  const path = join(folder, `${request.params.id}.jpg`)
  const { size } = await stat(path)
  return reply.type('image/jpeg').header('content-length', size).send(createReadStream(path))
})

await app.listen({ host: '127.0.0.1', port: 0 })
const address = app.server.address()
console.log(`port ${typeof address === 'object' ? address?.port : ''}`)
