import type { JsonObject, MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import {
  ImageService,
  type TuneRequestSchema,
  type TuneResponseSchema,
} from '@pixelflow/proto/pixelflow/v1/image_pb'
import { createNotifier } from '@pixelflow/core/notifier'
import type { ClientMessageInput } from '@pixelflow/core/tune/client-message'
import type { TuneListener, TunePreview, TuneSender, TuneServerMessage } from '../tuning.ts'
import type { GrpcCaller } from './grpc-caller.ts'
import { toFault, toRecipeValue, toTaskView } from './views.ts'

type Request = MessageInitShape<typeof TuneRequestSchema>
type ResponseData = MessageShape<typeof TuneResponseSchema>['data']

/** Longest time to wait for the answer to the last change when closing, in milliseconds. */
const closeTimeoutMs = 2000

/** Opens the Tune call of a session. */
export function connectTune(
  caller: GrpcCaller,
  listener: TuneListener,
  signal: AbortSignal | undefined,
): TuneSender {
  const closing = new AbortController()
  const callSignal = signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal])
  const requests = createRequestQueue<Request>()
  const received = receive()

  async function receive(): Promise<void> {
    const deliver = assemblePreviews((message) => listener.onMessage(message))
    try {
      const responses = caller.bidiStream(ImageService.method.tune, () => requests, callSignal)
      for await (const { data } of responses) deliver(data)
      listener.onEnd()
    } catch (thrown) {
      listener.onEnd(closing.signal.aborted ? undefined : thrown)
    }
  }

  return {
    send: (message) => requests.push({ data: toRequestData(message) }),
    async close() {
      requests.end()
      const timer = setTimeout(() => closing.abort(), closeTimeoutMs)
      await received
      clearTimeout(timer)
    },
  }
}

/** Converts responses to messages. The file of a preview follows in chunks. */
function assemblePreviews(onMessage: (message: TuneServerMessage) => void): (data: ResponseData) => void {
  let preview: Omit<TunePreview, 'file'> | undefined
  let file = new Uint8Array()
  let filled = 0
  return (data) => {
    if (data.case === 'preview') {
      preview = toPreview(data.value)
      file = new Uint8Array(preview.bytes)
      filled = 0
    } else if (data.case === 'chunk') {
      file.set(data.value, filled)
      filled += data.value.length
      if (preview && filled === file.length) onMessage({ ...preview, file })
    } else {
      const message = toServerMessage(data)
      if (message) onMessage(message)
    }
  }
}

type PreviewValue = Extract<ResponseData, { case: 'preview' }>['value']

function toPreview({ sequence, bytes, result, format, ...value }: PreviewValue): Omit<TunePreview, 'file'> {
  const { output, width, height, mediaType, ms } = value
  return {
    type: 'preview',
    sequence: Number(sequence),
    output,
    width,
    height,
    result: toSize(result),
    format: format as TunePreview['format'],
    mediaType,
    bytes: Number(bytes),
    ms,
  }
}

function toServerMessage(data: ResponseData): Exclude<TuneServerMessage, TunePreview> | undefined {
  switch (data.case) {
    case 'opened':
      return { type: 'opened', source: toSize(data.value.source), preview: toSize(data.value.preview) }
    case 'refused': {
      const { sequence, apply, fault } = data.value
      return {
        type: 'refused',
        ...(sequence === undefined ? {} : { sequence: Number(sequence) }),
        ...(apply ? { apply } : {}),
        fault: toFault(fault),
      }
    }
    case 'applied': {
      const { sequence, task, position } = data.value
      return { type: 'applied', sequence: Number(sequence), task: toTaskView(task), position }
    }
    case 'restored':
      return { type: 'restored', sequence: Number(data.value.sequence) }
    default:
      return undefined
  }
}

function toSize(size: { width: number; height: number } | undefined) {
  return { width: size?.width ?? 0, height: size?.height ?? 0 }
}

function toRequestData(message: ClientMessageInput): NonNullable<Request['data']> {
  switch (message.type) {
    case 'open': {
      const { image, recipe, output = '', preview } = message
      const { maxPixels = 0, format = '', quality = 0 } = preview ?? {}
      const previewOptions = { maxPixels, format, quality }
      return {
        case: 'open',
        value: { image, recipe: toRecipeValue(recipe), output, preview: previewOptions },
      }
    }
    case 'change': {
      const { sequence, recipe, set, output = '' } = message
      return {
        case: 'change',
        value: {
          sequence: BigInt(sequence),
          output,
          ...(recipe === undefined ? {} : { recipe: toRecipeValue(recipe) }),
          ...(set === undefined ? {} : { set: set as JsonObject }),
        },
      }
    }
    case 'apply':
      return {
        case: 'apply',
        value: message.sequence === undefined ? {} : { sequence: BigInt(message.sequence) },
      }
  }
}

interface RequestQueue<T> extends AsyncIterable<T> {
  push(request: T): void
  end(): void
}

/** An unbounded queue for one reader. Changes are small and made by hand, so no backpressure is needed. */
function createRequestQueue<T>(): RequestQueue<T> {
  const queued: T[] = []
  const changed = createNotifier()
  let isEnded = false
  return {
    push(request) {
      if (!isEnded) queued.push(request)
      changed.notify()
    },
    end() {
      isEnded = true
      changed.notify()
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        yield* queued.splice(0)
        if (queued.length > 0) continue
        if (isEnded) return
        await changed.wait()
      }
    },
  }
}
