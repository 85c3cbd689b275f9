import type { EventEmitter } from 'node:events'
import { create, fromBinary, toBinary, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { digestOf, grpcClient, type GrpcClient } from './grpc.ts'
import { startDelayProxy } from './delay-proxy.ts'

/** What calls that are about to be given up ask for. */
export interface StressTargets {
  readonly address: string
  /** An image of some chunks, and a task that does not end. */
  readonly image: string
  readonly task: string
  /** A small file, for the calls that actors work on. */
  readonly file?: Uint8Array
}

export interface StressOptions {
  /** Whether the calls are those that actors work on, and there are some; default the others. */
  readonly isWork?: boolean
  /** How many calls of each kind at once, on one connection. */
  readonly width: number
  /** Whether each call is cancelled by itself, or all of them end with their connection. */
  readonly how: 'cancelled' | 'cut off'
  /** A number from 0 to below 1. */
  readonly random: () => number
}

const calls = ImageService.method
const longestMs = 40

/** Equal seeds give equal storms. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state = (state ^ (state << 5)) >>> 0
    return state / 2 ** 32
  }
}

/** Calls of every kind at once, given up at random moments; over when their client has heard the end of each. */
export async function stressCalls(
  targets: StressTargets,
  { isWork = false, width, how, random }: StressOptions,
): Promise<void> {
  const [host = '', port = ''] = targets.address.split(':')
  await using line = await startDelayProxy(host, Number(port), 0)
  using client = grpcClient(`127.0.0.1:${line.port}`, { 'grpc.enable_retries': 0 })
  const kinds = isWork
    ? [making, processing, pouring, tuning]
    : [reading, listing, uploading, watching, downloading, stalling, ignoring]
  const under = Array.from({ length: width }, () => kinds.map((kind) => kind(client, targets, random))).flat()
  for (const { over } of under) over.catch(() => {})
  if (how === 'cut off') await Bun.sleep(random() * 2 * longestMs)
  else await Promise.all(under.map((one) => givenUp(one, random)))
  if (how === 'cut off') await line[Symbol.asyncDispose]()
  await Promise.allSettled(under.map((one) => one.over))
}

interface Call {
  /** Settles with the end of the call, well or badly. */
  readonly over: Promise<unknown>
  cancel(): void
}

/** Some at once, before anything was sent. */
async function givenUp(call: Call, random: () => number): Promise<void> {
  const moment = random() * longestMs - longestMs / 4
  if (moment > 0) await Bun.sleep(moment)
  call.cancel()
}

function reading(client: GrpcClient, { image }: StressTargets): Call {
  const leaving = new AbortController()
  const over = client.unary(calls.getImage, { id: image }, { signal: leaving.signal })
  return { over, cancel: () => leaving.abort() }
}

function listing(client: GrpcClient): Call {
  const leaving = new AbortController()
  const over = client.unary(calls.listTasks, {}, { signal: leaving.signal })
  return { over, cancel: () => leaving.abort() }
}

function watching(client: GrpcClient, { task }: StressTargets): Call {
  return drained(client.serverStream(calls.watchTask, { id: task }))
}

function downloading(client: GrpcClient, { image }: StressTargets): Call {
  return drained(client.serverStream(calls.download, { source: { case: 'image', value: image } }))
}

/** A download of which nothing is read, so that the other side has to wait. */
function stalling(client: GrpcClient, { image }: StressTargets): Call {
  return unread(client.serverStream(calls.download, { source: { case: 'image', value: image } }))
}

/** The same with events. */
function ignoring(client: GrpcClient, { task }: StressTargets): Call {
  return unread(client.serverStream(calls.watchTask, { id: task }))
}

function unread(call: EventEmitter & { cancel(): void }): Call {
  return { over: new Promise((resolve) => call.once('error', resolve)), cancel: () => call.cancel() }
}

function drained(call: AsyncIterable<unknown> & { cancel(): void }): Call {
  const over = (async () => {
    for await (const _ of call);
  })()
  return { over, cancel: () => call.cancel() }
}

/** Of a length and with bytes of its own, so that no two share what is stored. */
function uploading(client: GrpcClient, _: StressTargets, random: () => number): Call {
  const { call, reply, send } = client.upload()
  const bytes = new Uint8Array(1024 + Math.floor(random() * 300 * 1024))
  // The head of a TIFF file, whose size nobody can tell from its head.
  bytes.set([0x49, 0x49, 0x2a, 0x00, 0xf0, 0xff, 0xff, 0xff])
  new DataView(bytes.buffer).setFloat64(8, random())
  const pour = async () => {
    await send({ case: 'metadata', value: { mediaType: 'image/tiff' } })
    for (let at = 0; at < bytes.length; at += 64 * 1024) {
      await send({ case: 'chunk', value: bytes.subarray(at, at + 64 * 1024) })
    }
    await send({ case: 'commit', value: { bytes: BigInt(bytes.length), sha256: digestOf(bytes) } })
    call.end()
  }
  const over = Promise.all([pour(), reply])
  return { over, cancel: () => call.cancel() }
}

const recipe = { kind: { case: 'stringValue' as const, value: 'resize:40/format:webp' } }

function making(client: GrpcClient, { image }: StressTargets): Call {
  return drained(client.serverStream(calls.process, { image, recipe }))
}

function processing(client: GrpcClient, { file: image = new Uint8Array() }: StressTargets): Call {
  const leaving = new AbortController()
  const over = client.unary(calls.processImageUnary, { image, recipe }, { signal: leaving.signal })
  return { over, cancel: () => leaving.abort() }
}

/** A file that comes piece by piece and is processed at once. */
function pouring(client: GrpcClient, { file = new Uint8Array() }: StressTargets): Call {
  const commit = { bytes: BigInt(file.length), sha256: digestOf(file) }
  const half = file.length >> 1
  return talking(client, calls.processImage, [
    { data: { case: 'metadata', value: { mediaType: 'image/jpeg', recipe } } },
    { data: { case: 'chunk', value: file.subarray(0, half) } },
    { data: { case: 'chunk', value: file.subarray(half) } },
    { data: { case: 'commit', value: commit } },
  ])
}

/** Left open: who tunes says when it is enough. */
function tuning(client: GrpcClient, { image }: StressTargets): Call {
  const changes = [1n, 2n, 3n].map((sequence) => ({
    data: { case: 'change' as const, value: { sequence, recipe } },
  }))
  return talking(
    client,
    calls.tune,
    [{ data: { case: 'open', value: { image, recipe } } }, ...changes],
    false,
  )
}

function talking<I extends DescMessage, O extends DescMessage>(
  client: GrpcClient,
  method: (typeof calls)[keyof typeof calls] & { input: I; output: O },
  words: MessageInitShape<I>[],
  isAll = true,
): Call {
  const call = client.client.makeBidiStreamRequest(
    `/${method.parent.typeName}/${method.name}`,
    (word: MessageInitShape<I>) => Buffer.from(toBinary(method.input, create(method.input, word))),
    (bytes: Buffer) => fromBinary(method.output, bytes),
  )
  for (const word of words) call.write(word)
  if (isAll) call.end()
  return drained(call)
}
