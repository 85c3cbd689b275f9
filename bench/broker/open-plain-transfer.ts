import { jetstream, type JetStreamClient } from '@nats-io/jetstream'
import { Objm } from '@nats-io/obj'
import { nuid } from '@nats-io/transport-node'
import { connectTo, type BrokerAddress } from './connect-to.ts'

const blockBytes = 256 * 1024
/** Blocks in flight, in each direction. */
const blocksAhead = 16

/** The fastest plain way to store an object and to read it again. */
export interface PlainTransfer extends AsyncDisposable {
  /** Stores an object. @returns bytes per second. */
  put(totalBytes: number): Promise<number>
  /** Reads the object that `put` has stored. @returns bytes per second. */
  get(totalBytes: number): Promise<number>
}

/**
 * Opens a bucket of its own. Objects have chunks of 256 KiB, at most 4 MiB in flight, one SHA-256 of all bytes in each direction, and
 * one record at the end.
 */
export async function openPlainTransfer(broker: BrokerAddress): Promise<PlainTransfer> {
  const connection = await connectTo(broker)
  const name = `bench_${nuid.next()}`
  const bucket = await new Objm(connection).create(name)
  const js = jetstream(connection)
  let stored = ''
  return {
    async put(totalBytes) {
      const startedAt = performance.now()
      stored = await putBlocks(js, name, totalBytes)
      return rateSince(startedAt, totalBytes)
    },
    async get(totalBytes) {
      const startedAt = performance.now()
      if ((await getBlocks(js, name, totalBytes)) !== stored)
        throw new Error('the plain program read other bytes than it wrote')
      return rateSince(startedAt, totalBytes)
    },
    async [Symbol.asyncDispose]() {
      await bucket.destroy()
      await connection.close()
    },
  }
}

function rateSince(startedAt: number, bytes: number): number {
  return bytes / ((performance.now() - startedAt) / 1000)
}

async function putBlocks(js: JetStreamClient, name: string, totalBytes: number): Promise<string> {
  const chunk = crypto.getRandomValues(new Uint8Array(64 * 1024))
  const block = new Uint8Array(blockBytes)
  for (let at = 0; at < block.length; at += chunk.length) block.set(chunk, at)
  const hasher = new Bun.CryptoHasher('sha256')
  const inFlight = new Set<Promise<unknown>>()
  for (let sent = 0; sent < totalBytes; sent += block.length) {
    while (inFlight.size >= blocksAhead) await Promise.race(inFlight)
    hasher.update(block)
    const ack = js.publish(`$O.${name}.C.plain`, block.slice()).finally(() => inFlight.delete(ack))
    inFlight.add(ack)
  }
  await Promise.all(inFlight)
  const digest = hasher.digest('base64url')
  await js.publish(`$O.${name}.M.cGxhaW4=`, JSON.stringify({ digest, size: totalBytes }))
  return digest
}

async function getBlocks(js: JetStreamClient, name: string, totalBytes: number): Promise<string> {
  const consumer = await js.consumers.get(`OBJ_${name}`, { filter_subjects: `$O.${name}.C.plain` })
  const messages = await consumer.consume({ max_messages: blocksAhead })
  const hasher = new Bun.CryptoHasher('sha256')
  let received = 0
  for await (const message of messages) {
    hasher.update(message.data)
    received += message.data.length
    if (received >= totalBytes) break
  }
  await consumer.delete()
  return hasher.digest('base64url')
}
