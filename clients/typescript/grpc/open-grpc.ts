import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import type { ChannelOptions } from '@grpc/grpc-js'
import type { Client, CreateOptions } from '../client.ts'
import { createClient } from '../create-client.ts'
import { retryCall } from '../retry-call.ts'
import { toUploadBody } from '../upload-body.ts'
import { trackPositions } from '../position-tracker.ts'
import { toCredentials, type Credentials } from '../credentials.ts'
import type { EventConnectionOptions } from '../client-transport.ts'
import { createGrpcCaller, type GrpcCaller } from './grpc-caller.ts'
import { openChannel, openUploadChannel, type OpenChannelOptions, type Tls } from './open-channel.ts'
import { fetchContent } from './fetch-content.ts'
import { processImage } from './process-image.ts'
import { createGrpcCall } from './create-grpc-call.ts'
import { connectTune } from './connect-tune.ts'
import { readUploadMessages } from './upload-messages.ts'
import { toImageView, toTaskEvent } from './views.ts'

export type { Tls }
export { PixelflowError, type ErrorCode } from '../pixelflow-error.ts'
export type { Client } from '../client.ts'

export interface GrpcOptions {
  /**
   * Addresses of the gateways: `host:50051`, or `dns:///name:50051` for a name that resolves to several gateways, or a
   * list of either. Calls are balanced over all of them.
   */
  readonly address: string | readonly string[]
  /** Bearer token, or an object that provides one. */
  readonly token?: string | Credentials | null | undefined
  /** `true` trusts the certificate authorities of the system; default: no encryption. */
  readonly tls?: Tls | boolean | undefined
  /** Called for each call: the span of the caller, as a W3C `traceparent`, which the spans of the server continue. */
  readonly traceparent?: (() => string | undefined) | undefined
  /** Timeout of a call that is not a stream, in milliseconds; default 30,000. */
  readonly timeoutMs?: number | undefined
  /** Aborts all current and future calls. */
  readonly signal?: AbortSignal | undefined
  /** Options of grpc-js that override the defaults of this client, such as `grpc.service_config`. */
  readonly channelOptions?: ChannelOptions | undefined
}

/** Largest file that is uploaded over the shared channel, in bytes. A larger one gets its own channel. */
const maxSharedUploadBytes = 1024 * 1024

const method = ImageService.method

/** Creates a client over native gRPC, in Node and Bun. Sends nothing yet. @throws TypeError if an address is invalid. */
export function openGrpc(options: GrpcOptions): Client {
  const { token, tls, channelOptions, signal, traceparent, timeoutMs = 30_000 } = options
  const addresses = typeof options.address === 'string' ? options.address.split(',') : options.address
  const address = addresses.join(',')
  const channelSettings: OpenChannelOptions = { addresses, tls, options: channelOptions }
  const credentials = toCredentials(token)
  const channel = openChannel(channelSettings)
  const common = { address, credentials, traceparent, timeoutMs }
  const caller = createGrpcCaller({ channel, ...common })

  return createClient(
    {
      address,
      call: createGrpcCall(caller),
      async upload(source, options = {}) {
        const upload = toUploadBody(source, options)
        const send = async (caller: GrpcCaller) => {
          const requests = () => readUploadMessages(upload, options.onSent)
          const call = async () =>
            toImageView((await caller.clientStream(method.upload, requests, options)).image)
          return upload.blob === undefined ? call() : retryIfKeyed(options, call)
        }
        if (upload.bytes !== null && upload.bytes <= maxSharedUploadBytes) return send(caller)
        const uploadChannel = openUploadChannel(channelSettings)
        try {
          return await send(createGrpcCaller({ channel: uploadChannel, ...common }))
        } finally {
          uploadChannel.close()
        }
      },
      processImage: (source, recipe, options) => processImage(caller, source, recipe, options),
      events: (task, options) => streamEvents(caller, task, options),
      content: (from, options) => fetchContent(caller, from, options),
      tune: (listener, signal) => connectTune(caller, trackPositions(caller.positions, listener), signal),
      close: async () => channel.close(),
    },
    // The channel already retries calls according to its service config.
    { timeoutMs, retries: 0, signal },
  )
}

/** Retries a call that has an idempotency key. The service config cannot do this: its policies apply to whole methods. */
function retryIfKeyed<T>({ signal, idempotencyKey }: CreateOptions = {}, call: () => Promise<T>): Promise<T> {
  return retryCall({ retries: idempotencyKey === undefined ? 0 : 3 }, signal, call)
}

/** Streams the events of one WatchTask call. */
async function* streamEvents(caller: GrpcCaller, id: string, { after = '', signal }: EventConnectionOptions) {
  let isLive = false
  for await (const { event } of caller.serverStream(method.watchTask, { id, after }, signal)) {
    if (!isLive) yield 'live' as const
    isLive = true
    yield toTaskEvent(event)
  }
  // A gateway that shuts down ends the stream with an error; a stream that ends with OK is complete.
  yield 'complete' as const
}
