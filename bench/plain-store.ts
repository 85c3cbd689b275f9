import { Objm, setSha256Backend, type ObjectStore } from '@nats-io/obj'
import { nuid } from '@nats-io/transport-node'
import { connectTo, type BrokerAddress } from './broker/connect-to.ts'
import { resizeWithSharp } from './resize-with-sharp.ts'

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
export async function openPlainStore(broker: BrokerAddress, width: number): Promise<PlainStore> {
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

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(bytes)
      controller.close()
    },
  })
}
