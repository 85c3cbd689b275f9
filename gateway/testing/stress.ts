import type { EventEmitter } from 'node:events'
import { create, fromBinary, toBinary, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { digestOf, grpcClient, type GrpcClient } from './grpc-client.ts'
import { startDelayProxy } from './delay-proxy.ts'

/** The data that the cancelled calls use. */
export interface StressTargets {
  readonly address: string
  /** An image of several chunks. */
  readonly image: string
  /** A task that does not end. */
  readonly task: string
  /** A small file for the calls that need an actor. */
  readonly file?: Uint8Array
}

export interface StressOptions {
  /** Whether to make the calls that need an actor instead of the others. */
  readonly isWork?: boolean
  /** Concurrent calls of each kind on one connection. */
  readonly width: number
  /** Whether each call is cancelled, or their connection is cut off. */
  readonly how: 'cancelled' | 'cut off'
  /** Returns a number from 0 to below 1. */
  readonly random: () => number
}

const calls = ImageService.method
const maxDelayMs = 40

/** A pseudo-random generator: equal seeds give equal sequences. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state = (state ^ (state << 5)) >>> 0
    return state / 2 ** 32
  }
}

/** Makes concurrent calls of several kinds and cancels them at random moments; resolves when all have ended. */
export async function stressCalls(
  targets: StressTargets,
  { isWork = false, width, how, random }: StressOptions,
): Promise<void> {
  const [host = '', port = ''] = targets.address.split(':')
  await using line = await startDelayProxy(host, Number(port), 0)
  using client = grpcClient(`127.0.0.1:${line.port}`, { 'grpc.enable_retries': 0 })
  const kinds = isWork
    ? [createAndWatch, processUnary, processStream, tune]
    : [getImage, listTasks, upload, watchTask, download, stallDownload, stallWatch]
  const active = Array.from({ length: width }, () =>
    kinds.map((kind) => kind(client, targets, random)),
  ).flat()
  for (const { ended } of active) ended.catch(() => {})
  if (how === 'cut off') await Bun.sleep(random() * 2 * maxDelayMs)
  else await Promise.all(active.map((one) => cancelLater(one, random)))
  if (how === 'cut off') await line[Symbol.asyncDispose]()
  await Promise.allSettled(active.map((one) => one.ended))
}

interface CancellableCall {
  /** Settles when the call ends. */
  readonly ended: Promise<unknown>
  cancel(): void
}

/** Cancels after a random delay; some calls at once, before anything is sent. */
async function cancelLater(call: CancellableCall, random: () => number): Promise<void> {
  const moment = random() * maxDelayMs - maxDelayMs / 4
  if (moment > 0) await Bun.sleep(moment)
  call.cancel()
}

function getImage(client: GrpcClient, { image }: StressTargets): CancellableCall {
  const leaving = new AbortController()
  const ended = client.unary(calls.getImage, { id: image }, { signal: leaving.signal })
  return { ended, cancel: () => leaving.abort() }
}

function listTasks(client: GrpcClient): CancellableCall {
  const leaving = new AbortController()
  const ended = client.unary(calls.listTasks, {}, { signal: leaving.signal })
  return { ended, cancel: () => leaving.abort() }
}

function watchTask(client: GrpcClient, { task }: StressTargets): CancellableCall {
  return readAll(client.serverStream(calls.watchTask, { id: task }))
}

function download(client: GrpcClient, { image }: StressTargets): CancellableCall {
  return readAll(client.serverStream(calls.download, { source: { case: 'image', value: image } }))
}

/** A download that is never read, so that the server has to wait. */
function stallDownload(client: GrpcClient, { image }: StressTargets): CancellableCall {
  return unread(client.serverStream(calls.download, { source: { case: 'image', value: image } }))
}

/** A watch that is never read. */
function stallWatch(client: GrpcClient, { task }: StressTargets): CancellableCall {
  return unread(client.serverStream(calls.watchTask, { id: task }))
}

function unread(call: EventEmitter & { cancel(): void }): CancellableCall {
  return { ended: new Promise((resolve) => call.once('error', resolve)), cancel: () => call.cancel() }
}

function readAll(call: AsyncIterable<unknown> & { cancel(): void }): CancellableCall {
  const ended = (async () => {
    for await (const _ of call);
  })()
  return { ended, cancel: () => call.cancel() }
}

/** Uploads bytes of random length and content, so that no two uploads share a stored file. */
function upload(client: GrpcClient, _: StressTargets, random: () => number): CancellableCall {
  const { call, reply, send } = client.upload()
  const bytes = new Uint8Array(1024 + Math.floor(random() * 300 * 1024))
  // The header of a TIFF file, which does not contain the image size.
  bytes.set([0x49, 0x49, 0x2a, 0x00, 0xf0, 0xff, 0xff, 0xff])
  new DataView(bytes.buffer).setFloat64(8, random())
  const sendAll = async () => {
    await send({ case: 'metadata', value: { mediaType: 'image/tiff' } })
    for (let at = 0; at < bytes.length; at += 64 * 1024) {
      await send({ case: 'chunk', value: bytes.subarray(at, at + 64 * 1024) })
    }
    await send({ case: 'commit', value: { bytes: BigInt(bytes.length), sha256: digestOf(bytes) } })
    call.end()
  }
  const ended = Promise.all([sendAll(), reply])
  return { ended, cancel: () => call.cancel() }
}

const recipe = { kind: { case: 'stringValue' as const, value: 'resize:40/format:webp' } }

function createAndWatch(client: GrpcClient, { image }: StressTargets): CancellableCall {
  return readAll(client.serverStream(calls.process, { image, recipe }))
}

function processUnary(
  client: GrpcClient,
  { file: image = new Uint8Array() }: StressTargets,
): CancellableCall {
  const leaving = new AbortController()
  const ended = client.unary(calls.processImageUnary, { image, recipe }, { signal: leaving.signal })
  return { ended, cancel: () => leaving.abort() }
}

/** Uploads a file in two chunks and processes it. */
function processStream(client: GrpcClient, { file = new Uint8Array() }: StressTargets): CancellableCall {
  const commit = { bytes: BigInt(file.length), sha256: digestOf(file) }
  const half = file.length >> 1
  return callBidi(client, calls.processImage, [
    { data: { case: 'metadata', value: { mediaType: 'image/jpeg', recipe } } },
    { data: { case: 'chunk', value: file.subarray(0, half) } },
    { data: { case: 'chunk', value: file.subarray(half) } },
    { data: { case: 'commit', value: commit } },
  ])
}

/** The request stream stays open, because a tuning session ends with it. */
function tune(client: GrpcClient, { image }: StressTargets): CancellableCall {
  const changes = [1n, 2n, 3n].map((sequence) => ({
    data: { case: 'change' as const, value: { sequence, recipe } },
  }))
  return callBidi(
    client,
    calls.tune,
    [{ data: { case: 'open', value: { image, recipe } } }, ...changes],
    false,
  )
}

function callBidi<I extends DescMessage, O extends DescMessage>(
  client: GrpcClient,
  method: (typeof calls)[keyof typeof calls] & { input: I; output: O },
  messages: MessageInitShape<I>[],
  endsRequests = true,
): CancellableCall {
  const call = client.client.makeBidiStreamRequest(
    `/${method.parent.typeName}/${method.name}`,
    (message: MessageInitShape<I>) => Buffer.from(toBinary(method.input, create(method.input, message))),
    (bytes: Buffer) => fromBinary(method.output, bytes),
  )
  for (const message of messages) call.write(message)
  if (endsRequests) call.end()
  return readAll(call)
}
