import { createNotifier } from '@pixelflow/core/notifier'
import type { FaultReport } from '@pixelflow/core/fault'
import type { TaskView } from '@pixelflow/core/views'
import type {
  AppliedMessage,
  FailedMessage,
  OpenedMessage,
  PreviewMessage,
  RefusedMessage,
  RestoredMessage,
} from '@pixelflow/core/tune/server-message'
import type { ClientMessageInput } from '@pixelflow/core/tune/client-message'
import type { RecipeInput } from './client.ts'
import { PixelflowError } from './pixelflow-error.ts'

/** Options of a tuning session. */
export interface TuneOptions {
  /** Id of the image. */
  readonly image: string
  readonly recipe: RecipeInput
  /** Name of the output to preview; default: the first. */
  readonly output?: string | undefined
  readonly preview?: {
    /** Most pixels (width × height) of a preview, 4,096 to 4,194,304; default 1,048,576. */
    readonly maxPixels?: number
    /** Default: JPEG, or WebP if the picture is transparent. */
    readonly format?: 'jpeg' | 'webp'
    /** Quality of the preview's encoding, 1 to 100; default 80. */
    readonly quality?: number
  }
  /** How often opening is retried while no actor can render previews; default 3. */
  readonly retries?: number | undefined
  /** Ends the session. */
  readonly signal?: AbortSignal | undefined
}

/** A new recipe, or new values of single parameters by path (`steps[1].sigma`; null resets to the default). */
export type TuneChange =
  | { readonly recipe: RecipeInput; readonly output?: string }
  | { readonly set: Readonly<Record<string, string | number | boolean | null>>; readonly output?: string }
  | { readonly output: string }

/** A preview and its encoded image. */
export type TunePreview = PreviewMessage & { readonly file: Uint8Array }

/** An event of a tuning session. */
export type TuneEvent = OpenedMessage | TunePreview | RefusedMessage | RestoredMessage

/**
 * A tuning session on one image. The server answers each change with a preview, unless a newer change has arrived. Iterate
 * to receive events. Of unread previews only the newest is kept.
 */
export interface Tuning extends AsyncDisposable, AsyncIterable<TuneEvent> {
  /** Sizes of the picture before the first step and of the copy from which previews are rendered. */
  readonly opened: OpenedMessage
  /** False once the session has ended for any reason. Open another one with the current recipe to continue. */
  readonly isOpen: boolean
  /** Sends a change and returns its number, starting at 1. The initial recipe has number 0. */
  change(change: TuneChange): number
  /**
   * Waits for the preview of a change, or of a newer one.
   * @throws PixelflowError if the change is refused (the session continues) or the session has ended.
   */
  preview(sequence: number): Promise<TunePreview>
  /** Creates a task with the current recipe. @throws PixelflowError if it is refused or the session has ended. */
  apply(): Promise<TaskView>
}

/** A message that a protocol delivers. */
export type TuneServerMessage = TuneEvent | AppliedMessage | FailedMessage

/** The connection of one session over some protocol. */
export interface TuneConnection {
  send(message: ClientMessageInput): void
  /** Closes the connection gracefully. */
  close(): Promise<void>
}

export interface TuneListener {
  onMessage(message: TuneServerMessage): void
  /** Called once. Without an error, the session has ended normally. */
  onEnd(error?: unknown): void
}

interface Waiting<T> extends PromiseWithResolvers<T> {
  readonly sequence: number
}

/** Most unread events that are kept. */
const mostKept = 64

/** Opens a session over any protocol. Resolves once the server has read the picture. */
export async function openTuning(
  connect: (listener: TuneListener) => TuneConnection,
  { image, recipe, output, preview = {} }: Omit<TuneOptions, 'signal' | 'retries'>,
): Promise<Tuning> {
  const kept: TuneEvent[] = []
  const previews: Waiting<TunePreview>[] = []
  const applies: PromiseWithResolvers<TaskView>[] = []
  const opening = Promise.withResolvers<OpenedMessage>()
  const changed = createNotifier()
  let newest: TunePreview | undefined
  let said = 0
  let over: { readonly error: unknown } | undefined

  function keep(one: TuneEvent): void {
    const unread = one.type === 'preview' ? kept.findIndex(({ type }) => type === 'preview') : -1
    if (unread >= 0) kept.splice(unread, 1)
    else if (kept.length >= mostKept) kept.shift()
    kept.push(one)
    changed.notify()
  }

  function finish(error: unknown): void {
    if (over) return
    over = { error }
    const reason = error ?? new PixelflowError('cancelled', 'The session has ended.')
    opening.reject(reason)
    for (const one of [...previews.splice(0), ...applies.splice(0)]) one.reject(reason)
    changed.notify()
  }

  const connection = connect({
    onMessage(one) {
      switch (one.type) {
        case 'opened':
          opening.resolve(one)
          return keep(one)
        case 'preview':
          newest = one
          for (const waiting of take(previews, ({ sequence }) => sequence <= one.sequence))
            waiting.resolve(one)
          return keep(one)
        case 'applied':
          return applies.shift()?.resolve(one.task)
        case 'refused':
          if (one.apply === true) return applies.shift()?.reject(errorOf(one.fault))
          for (const waiting of take(previews, ({ sequence }) => sequence === one.sequence))
            waiting.reject(errorOf(one.fault))
          return keep(one)
        case 'restored':
          return keep(one)
        case 'failed':
          return finish(errorOf(one.fault))
      }
    },
    onEnd: finish,
  })

  connection.send({
    type: 'open',
    image,
    recipe: recipe as string | Record<string, unknown>,
    preview,
    ...(output === undefined ? {} : { output }),
  })
  return {
    opened: await opening.promise,
    get isOpen() {
      return over === undefined
    },
    change(change) {
      said += 1
      connection.send({ ...(change as { recipe: string }), type: 'change', sequence: said })
      return said
    },
    preview(sequence) {
      if (newest !== undefined && newest.sequence >= sequence) return Promise.resolve(newest)
      return waited(previews, { ...Promise.withResolvers<TunePreview>(), sequence })
    },
    apply() {
      connection.send({ type: 'apply' })
      return waited(applies, Promise.withResolvers<TaskView>())
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        yield* kept.splice(0)
        if (kept.length > 0) continue
        if (over?.error !== undefined) throw over.error
        if (over) return
        await changed.wait()
      }
    },
    async [Symbol.asyncDispose]() {
      await connection.close()
      finish(undefined)
    },
  }

  function waited<T, One extends PromiseWithResolvers<T>>(list: One[], one: One): Promise<T> {
    if (over) one.reject(over.error ?? new PixelflowError('cancelled', 'The session has ended.'))
    else list.push(one)
    return one.promise
  }
}

function take<T>(list: T[], wanted: (one: T) => boolean): T[] {
  const taken = list.filter(wanted)
  list.splice(0, list.length, ...list.filter((one) => !wanted(one)))
  return taken
}

function errorOf({ code, detail, ...hints }: FaultReport): PixelflowError {
  return new PixelflowError(code, detail, hints)
}
