import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { Objm, setSha256Backend, type ObjectStore } from '@nats-io/obj'
import { connect, nuid, type NatsConnection } from '@nats-io/transport-node'
import type { Nats } from '@pixelflow/testkit/nats'
import { resizeWithSharp } from './resize-with-sharp.ts'

type Broker = Pick<Nats, 'url' | 'user' | 'password'>

/** A program that also stores: it puts and gets source and result with the official client. */
export interface PlainStore extends AsyncDisposable {
  process(source: Uint8Array): Promise<void>
}

/**
 * After so many images a new bucket is used. Each read of the official client leaves a consumer in the broker for 5 minutes, which
 * costs CPU time, and a stream has at most 1,000 of them. They go with their bucket.
 */
const imagesPerBucket = 25

/** @param width width of the results in pixels */
export async function openPlainStore(broker: Broker, width: number): Promise<PlainStore> {
  setSha256Backend('native')
  const connection = await connectTo(broker)
  const objects = new Objm(connection)
  const openBucket = async () => ({
    bucket: await objects.create(`bench_${nuid.next()}`),
    left: imagesPerBucket,
  })
  let current = openBucket()
  let started = 0

  const putAndGet = async (bucket: ObjectStore, name: string, bytes: Uint8Array): Promise<Uint8Array> => {
    await bucket.put({ name, options: { max_chunk_size: 256 * 1024 } }, streamOf(bytes))
    const stored = await bucket.get(name)
    if (stored === null) throw new Error(`the object ${name} does not exist`)
    return new Uint8Array(
      await new Response(stored.data as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer(),
    )
  }

  return {
    async process(source) {
      if (started > 0 && started % imagesPerBucket === 0) current = openBucket()
      started += 1
      const used = await current
      const id = nuid.next()
      const result = await resizeWithSharp(await putAndGet(used.bucket, `${id}/source`, source), width)
      await putAndGet(used.bucket, `${id}/result`, result)
      used.left -= 1
      if (used.left === 0) await used.bucket.destroy()
    },
    async [Symbol.asyncDispose]() {
      const { bucket, left } = await current
      if (left > 0) await bucket.destroy()
      await connection.close()
    },
  }
}

/**
 * Bytes per second of the fastest plain way to store an object: chunks of 256 KiB, published without waiting for each
 * acknowledgement, at most 4 MiB in flight, one SHA-256 of all bytes, and one record at the end.
 */
export async function measurePlainPut(broker: Broker, totalBytes: number): Promise<number> {
  const connection = await connectTo(broker)
  const name = `bench_${nuid.next()}`
  const bucket = await new Objm(connection).create(name)
  const js = jetstream(connection)
  const manager = await jetstreamManager(connection)
  const chunk = crypto.getRandomValues(new Uint8Array(64 * 1024))
  const block = new Uint8Array(256 * 1024)
  for (let at = 0; at < block.length; at += chunk.length) block.set(chunk, at)
  const digest = new Bun.CryptoHasher('sha256')
  const inFlight = new Set<Promise<unknown>>()

  const startedAt = performance.now()
  for (let sent = 0; sent < totalBytes; sent += block.length) {
    while (inFlight.size >= 16) await Promise.race(inFlight)
    digest.update(block)
    const ack = js.publish(`$O.${name}.C.plain`, block.slice()).finally(() => inFlight.delete(ack))
    inFlight.add(ack)
  }
  await Promise.all(inFlight)
  await js.publish(
    `$O.${name}.M.cGxhaW4=`,
    JSON.stringify({ digest: digest.digest('base64url'), size: totalBytes }),
  )
  const seconds = (performance.now() - startedAt) / 1000

  await bucket.destroy()
  await manager.streams.delete(`OBJ_${name}`).catch(() => false)
  await connection.close()
  return totalBytes / seconds
}

/**
 * Removes all uploaded bytes from the broker, so that the next measurement does not wait for the disk to write those of
 * the previous one: after some two gigabytes of unwritten data the kernel slows writers down to the speed of the disk.
 */
export async function purgeUploads(broker: Broker): Promise<void> {
  const connection = await connectTo(broker)
  const manager = await jetstreamManager(connection)
  await manager.streams.purge('OBJ_sources')
  await connection.close()
}

function connectTo({ url, user, password }: Broker): Promise<NatsConnection> {
  return connect({ servers: url, user, pass: password })
}

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(bytes)
      controller.close()
    },
  })
}
