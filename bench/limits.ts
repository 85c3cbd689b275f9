import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { Objm, setSha256Backend } from '@nats-io/obj'
import { connect, nuid } from '@nats-io/transport-node'
import sharp from 'sharp'

export interface Broker {
  readonly url: string
  readonly user: string
  readonly password: string
}

/** The work itself, as the shortest program does it: bytes in, picture of 800 pixels out. */
export async function plainSharp(source: Uint8Array): Promise<Uint8Array> {
  return sharp(source, { autoOrient: true })
    .resize({ width: 800, withoutEnlargement: true })
    .jpeg()
    .toBuffer()
}

/** The same loop as a program that also stores: source put and got, result put and got, by the official client. */
export async function plainStored(broker: Broker) {
  setSha256Backend('native')
  const connection = await connect({ servers: broker.url, user: broker.user, pass: broker.password })
  const bucket = await new Objm(connection).create(`bench_${nuid.next()}`)

  const roundTrip = async (name: string, bytes: Uint8Array): Promise<Uint8Array> => {
    await bucket.put({ name, options: { max_chunk_size: 256 * 1024 } }, once(bytes))
    const stored = await bucket.get(name)
    if (stored === null) throw new Error(`the object ${name} is not there`)
    return new Uint8Array(
      await new Response(stored.data as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer(),
    )
  }

  return {
    async one(source: Uint8Array): Promise<void> {
      const id = nuid.next()
      const result = await plainSharp(await roundTrip(`${id}/source`, source))
      await roundTrip(`${id}/result`, result)
    },
    async [Symbol.asyncDispose]() {
      await bucket.destroy()
      await connection.close()
    },
  }
}

/**
 * Bytes a second of the fastest plain way to store: chunk messages of 256 KiB published without waiting for each
 * answer, 4 MiB in flight, one SHA-256 over all, one record at the end.
 */
export async function plainPut(broker: Broker, totalBytes: number): Promise<number> {
  const connection = await connect({ servers: broker.url, user: broker.user, pass: broker.password })
  const name = `bench_${nuid.next()}`
  const bucket = await new Objm(connection).create(name)
  const js = jetstream(connection)
  const manager = await jetstreamManager(connection)
  const chunk = crypto.getRandomValues(new Uint8Array(64 * 1024))
  const block = new Uint8Array(256 * 1024)
  for (let at = 0; at < block.length; at += chunk.length) block.set(chunk, at)
  const digest = new Bun.CryptoHasher('sha256')
  const inFlight = new Set<Promise<unknown>>()

  const begin = performance.now()
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
  const seconds = (performance.now() - begin) / 1000

  await bucket.destroy()
  await manager.streams.delete(`OBJ_${name}`).catch(() => false)
  await connection.close()
  return totalBytes / seconds
}

/**
 * Takes all uploaded bytes off the broker, so that what is measured next does not wait for a disk that is still busy
 * with what was measured before: after two gigabytes the kernel slows every writer down to the disk's own speed.
 */
export async function forgetUploads(broker: Broker): Promise<void> {
  const connection = await connect({ servers: broker.url, user: broker.user, pass: broker.password })
  const manager = await jetstreamManager(connection)
  await manager.streams.purge('OBJ_sources')
  await connection.close()
}

function once(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(bytes)
      controller.close()
    },
  })
}
