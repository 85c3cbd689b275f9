import type { JsonObject, MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import {
  ImageService,
  type TuneRequestSchema,
  type TuneResponseSchema,
} from '@pixelflow/proto/pixelflow/v1/image_pb'
import { createNotifier } from '@pixelflow/core/notifier'
import type { ClientMessageInput } from '@pixelflow/core/tune/client-message'
import type { TuneServerMessage, TuneListener, TuneConnection, TunePreview, TuneEvent } from '../tuning.ts'
import type { Calls } from './create-calls.ts'
import { recipeValue, toTaskView } from './views.ts'

type Request = MessageInitShape<typeof TuneRequestSchema>
type Data = MessageShape<typeof TuneResponseSchema>['data']

/** Longest time to wait for the answer to the last change when closing, in milliseconds. */
const closeTimeoutMs = 2000

/** Opens the Tune call of a session. */
export function connectTune(
  calls: Calls,
  listener: TuneListener,
  signal: AbortSignal | undefined,
): TuneConnection {
  const own = new AbortController()
  const stop = signal === undefined ? own.signal : AbortSignal.any([signal, own.signal])
  const requests = pushed<Request>()
  const over = listen()

  async function listen(): Promise<void> {
    const hear = assembling((one) => listener.onMessage(one))
    try {
      for await (const { data } of calls.both(ImageService.method.tune, () => requests, stop)) hear(data)
      listener.onEnd()
    } catch (thrown) {
      listener.onEnd(own.signal.aborted ? undefined : thrown)
    }
  }

  return {
    send: (message) => requests.push({ data: dataOf(message) }),
    async close() {
      requests.end()
      const timer = setTimeout(() => own.abort(), closeTimeoutMs)
      await over
      clearTimeout(timer)
    },
  }
}

/** Assembles previews, whose bytes follow in chunks. */
function assembling(heard: (one: TuneServerMessage) => void): (data: Data) => void {
  let about: Omit<TunePreview, 'file'> | undefined
  let file = new Uint8Array()
  let filled = 0
  return (data) => {
    if (data.case === 'preview') {
      const { sequence, bytes, output, width, height, result, format, mediaType, ms } = data.value
      file = new Uint8Array(Number(bytes))
      filled = 0
      about = {
        type: 'preview',
        sequence: Number(sequence),
        output,
        width,
        height,
        result: sizeOf(result),
        format: format as TunePreview['format'],
        mediaType,
        bytes: Number(bytes),
        ms,
      }
    } else if (data.case === 'chunk') {
      file.set(data.value, filled)
      filled += data.value.length
      if (about && filled === file.length) heard({ ...about, file })
    } else {
      const one = plainOf(data)
      if (one) heard(one)
    }
  }
}

function plainOf(data: Data): Exclude<TuneServerMessage, TunePreview> | undefined {
  switch (data.case) {
    case 'opened':
      return { type: 'opened', source: sizeOf(data.value.source), preview: sizeOf(data.value.preview) }
    case 'refused': {
      const { sequence, apply, fault } = data.value
      const { code = 'internal', detail = '', field = '', remedy = '' } = fault ?? {}
      const hints = { ...(field === '' ? {} : { field }), ...(remedy === '' ? {} : { remedy }) }
      return {
        type: 'refused',
        ...(sequence === undefined ? {} : { sequence: Number(sequence) }),
        ...(apply ? { apply } : {}),
        fault: { code, detail, ...hints } as Extract<TuneEvent, { type: 'refused' }>['fault'],
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

const sizeOf = (size: { width: number; height: number } | undefined) => ({
  width: size?.width ?? 0,
  height: size?.height ?? 0,
})

function dataOf(said: ClientMessageInput): NonNullable<Request['data']> {
  switch (said.type) {
    case 'open': {
      const { image, recipe, output = '', preview } = said
      const { maxPixels = 0, format = '', quality = 0 } = preview ?? {}
      const wish = { maxPixels, format, quality }
      return { case: 'open', value: { image, recipe: recipeValue(recipe), output, preview: wish } }
    }
    case 'change': {
      const { sequence, recipe, set, output = '' } = said
      return {
        case: 'change',
        value: {
          sequence: BigInt(sequence),
          output,
          ...(recipe === undefined ? {} : { recipe: recipeValue(recipe) }),
          ...(set === undefined ? {} : { set: set as JsonObject }),
        },
      }
    }
    case 'apply':
      return {
        case: 'apply',
        value: said.sequence === undefined ? {} : { sequence: BigInt(said.sequence) },
      }
  }
}

interface Pushed<T> extends AsyncIterable<T> {
  push(one: T): void
  end(): void
}

/** An unbounded queue for one reader. Changes are small and made by hand, so no backpressure is needed. */
function pushed<T>(): Pushed<T> {
  const waiting: T[] = []
  const changed = createNotifier()
  let isOver = false
  return {
    push(one) {
      if (!isOver) waiting.push(one)
      changed.notify()
    },
    end() {
      isOver = true
      changed.notify()
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        yield* waiting.splice(0)
        if (waiting.length > 0) continue
        if (isOver) return
        await changed.wait()
      }
    },
  }
}
