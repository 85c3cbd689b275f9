import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type DescMethod,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf'
import { StatusSchema, type Status } from '@pixelflow/proto/google/rpc/status_pb'
import { ImageService, type UploadRequest, UploadRequestSchema } from '@pixelflow/proto/pixelflow/v1/image_pb'
import * as grpc from '@grpc/grpc-js'

/** The parts of a method descriptor that a call needs. */
type Method<I extends DescMessage, O extends DescMessage> = DescMethod & { input: I; output: O }

export interface CallOptions {
  readonly metadata?: Readonly<Record<string, string>>
  readonly deadlineMs?: number
  /** Cancels a unary call. */
  readonly signal?: AbortSignal
  /** Receives the response headers of a unary call. */
  readonly onHeaders?: (headers: grpc.Metadata) => void
}

/** A client of the gRPC port with its own connection. */
export interface GrpcClient extends Disposable {
  readonly client: grpc.Client
  unary<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ): Promise<MessageShape<O>>
  /** A server-streaming call. Leaving the loop does not cancel it; `cancel` does. */
  serverStream<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ): grpc.ClientReadableStream<MessageShape<O>>
  upload(options?: CallOptions): UploadCall
}

export interface UploadCall {
  readonly call: grpc.ClientWritableStream<UploadRequest>
  readonly reply: Promise<MessageShape<typeof ImageService.method.upload.output>>
  /** Sends one message and waits until it is written or the call has ended. */
  send(data: MessageInitShape<typeof UploadRequestSchema>['data']): Promise<void>
}

export function grpcClient(
  address: string,
  options: grpc.ChannelOptions = {},
  credentials = grpc.credentials.createInsecure(),
): GrpcClient {
  const client = new grpc.Client(address, credentials, {
    'grpc.use_local_subchannel_pool': 1,
    ...options,
  })
  const pathOf = (method: DescMethod) => `/${method.parent.typeName}/${method.name}`
  const metadataOf = ({ metadata = {} }: CallOptions = {}) => {
    const result = new grpc.Metadata()
    for (const [name, value] of Object.entries(metadata)) result.set(name, value)
    return result
  }
  const limits = ({ deadlineMs }: CallOptions = {}) =>
    deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs }

  /** What unary and server-streaming calls pass to the library. */
  const requestOf = <I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ) =>
    [
      pathOf(method),
      encoder(method.input),
      decoder(method.output),
      create(method.input, request),
      metadataOf(options),
      limits(options),
    ] as const

  return {
    client,
    unary: (method, request, options = {}) =>
      new Promise((resolve, reject) => {
        const call = client.makeUnaryRequest(...requestOf(method, request, options), (error, response) =>
          response ? resolve(response) : reject(error),
        )
        if (options.onHeaders) call.on('metadata', options.onHeaders)
        options.signal?.addEventListener('abort', () => call.cancel(), { once: true })
      }),
    serverStream: (method, request, options) =>
      client.makeServerStreamRequest(...requestOf(method, request, options)),
    upload(options) {
      const { upload } = ImageService.method
      const { promise, resolve, reject } = Promise.withResolvers<MessageShape<typeof upload.output>>()
      promise.catch(() => {})
      const call = client.makeClientStreamRequest(
        pathOf(upload),
        encoder(upload.input),
        decoder(upload.output),
        metadataOf(options),
        limits(options),
        (error, response) => (response ? resolve(response) : reject(error)),
      )
      const over = promise.then(
        () => {},
        () => {},
      )
      return {
        call,
        reply: promise,
        async send(data) {
          const taken = new Promise<void>((done) => {
            call.write(create(UploadRequestSchema, data === undefined ? {} : { data }), () => done())
          })
          await Promise.race([taken, over])
        },
      }
    },
    [Symbol.dispose]: () => client.close(),
  }
}

/** Uploads bytes: metadata, chunks, commit. */
export async function uploadWhole(
  client: GrpcClient,
  bytes: Uint8Array,
  chunkBytes = 64 * 1024,
  options?: CallOptions,
) {
  const { call, reply, send } = client.upload(options)
  await send({ case: 'metadata', value: { mediaType: 'image/jpeg' } })
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    await send({ case: 'chunk', value: bytes.subarray(at, at + chunkBytes) })
  }
  await send({ case: 'commit', value: { bytes: BigInt(bytes.length), sha256: digestOf(bytes) } })
  call.end()
  return (await reply).image
}

export function digestOf(bytes: Uint8Array): string {
  return new Bun.CryptoHasher('sha256').update(bytes).digest('hex')
}

/** The error of a call. @throws Error when the call succeeds. */
export async function failure(
  promise: Promise<unknown>,
): Promise<{ code: number; details: string; metadata: grpc.Metadata; status: Status | undefined }> {
  const error = await promise.then(
    () => undefined,
    (thrown: grpc.ServiceError) => thrown,
  )
  if (!error) throw new Error('Expected the call to fail, but it succeeded.')
  const [bytes] = error.metadata.get('grpc-status-details-bin')
  const status = bytes instanceof Uint8Array ? fromBinary(StatusSchema, bytes) : undefined
  return { code: error.code, details: error.details, metadata: error.metadata, status }
}

function encoder<D extends DescMessage>(schema: D) {
  return (message: MessageShape<D>): Buffer => Buffer.from(toBinary(schema, message))
}

function decoder<D extends DescMessage>(schema: D) {
  return (bytes: Buffer): MessageShape<D> => fromBinary(schema, bytes)
}
