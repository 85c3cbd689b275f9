import type { FaultReport } from '@pixelflow/core/fault'
import type { TaskView } from '@pixelflow/core/api'
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

/** What a session begins with. */
export interface TuneOptions {
  /** Id of the image. */
  readonly image: string
  readonly recipe: RecipeInput
  /** Which of the recipe's outputs is shown; its first unless given. */
  readonly output?: string | undefined
  readonly preview?: {
    /** Pixels (width × height) a preview may have at most, 4,096 to 4,194,304; 1,048,576 unless given. */
    readonly maxPixels?: number
    /** JPEG unless given, and WebP where the picture is transparent. */
    readonly format?: 'jpeg' | 'webp'
    /** 1 to 100, of the preview's encoding; 80 unless given. */
    readonly quality?: number
  }
  /** How often it is opened again when there is nobody just now who makes previews; 3 unless given. */
  readonly retries?: number | undefined
  /** Ends the session. */
  readonly signal?: AbortSignal | undefined
}

/** The whole recipe anew, or single parameters by where they stand (`steps[1].sigma`; null is the default again). */
export type TuneChange =
  | { readonly recipe: RecipeInput; readonly output?: string }
  | { readonly set: Readonly<Record<string, string | number | boolean | null>>; readonly output?: string }
  | { readonly output: string }

/** The picture as it will be. */
export type TunePreview = PreviewMessage & { readonly file: Uint8Array }

/** What is heard in a session. */
export type TuneEvent = OpenedMessage | TunePreview | RefusedMessage | RestoredMessage

/**
 * A live session on one image. Each change is answered by a preview unless a newer one has come meanwhile. What is
 * heard comes by iterating; of previews that nobody has read yet only the newest is kept.
 */
export interface Tuning extends AsyncDisposable, AsyncIterable<TuneEvent> {
  /** The picture as the first step sees it, and the copy that previews are made from. */
  readonly opened: OpenedMessage
  /** False once the session has ended, for whatever reason: another one may be opened with the recipe as it has become. */
  readonly isOpen: boolean
  /** Says a change and returns its number, from 1 upwards. The recipe that the session began with is number 0. */
  change(change: TuneChange): number
  /**
   * The preview that answers a change, or a newer one.
   * @throws PixelflowError when that change is refused (the session goes on), or the session has ended.
   */
  preview(sequence: number): Promise<TunePreview>
  /** Makes a task of the recipe as it is. @throws PixelflowError when it is refused, or the session has ended. */
  apply(): Promise<TaskView>
}

/** What a protocol hears. */
export type TuneServerMessage = TuneEvent | AppliedMessage | FailedMessage

/** One session's connection, as a protocol has it. */
export interface TuneConnection {
  say(said: ClientMessageInput): void
  /** Ends it in an orderly way. */
  close(): Promise<void>
}

export interface TuneListener {
  heard(one: TuneServerMessage): void
  /** Said once; without an error, the session has ended well. */
  ended(error?: unknown): void
}

interface Waiting<T> extends PromiseWithResolvers<T> {
  readonly sequence: number
}

/** Most that is kept of what nobody reads, previews apart. */
const mostKept = 64

/** Opens a session over any protocol. Resolves when the picture has been read. */
export async function openTuning(
  connect: (ear: TuneListener) => TuneConnection,
  { image, recipe, output, preview = {} }: Omit<TuneOptions, 'signal' | 'retries'>,
): Promise<Tuning> {
  const kept: TuneEvent[] = []
  const previews: Waiting<TunePreview>[] = []
  const applies: PromiseWithResolvers<TaskView>[] = []
  const opening = Promise.withResolvers<OpenedMessage>()
  let wake = Promise.withResolvers<void>()
  let newest: TunePreview | undefined
  let said = 0
  let over: { readonly error: unknown } | undefined

  function keep(one: TuneEvent): void {
    const unread = one.type === 'preview' ? kept.findIndex(({ type }) => type === 'preview') : -1
    if (unread >= 0) kept.splice(unread, 1)
    else if (kept.length >= mostKept) kept.shift()
    kept.push(one)
    wake.resolve()
  }

  function finish(error: unknown): void {
    if (over) return
    over = { error }
    const reason = error ?? new PixelflowError('cancelled', 'The session has ended.')
    opening.reject(reason)
    for (const one of [...previews.splice(0), ...applies.splice(0)]) one.reject(reason)
    wake.resolve()
  }

  const link = connect({
    heard(one) {
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
    ended: finish,
  })

  link.say({
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
      link.say({ ...(change as { recipe: string }), type: 'change', sequence: said })
      return said
    },
    preview(sequence) {
      if (newest !== undefined && newest.sequence >= sequence) return Promise.resolve(newest)
      return waited(previews, { ...Promise.withResolvers<TunePreview>(), sequence })
    },
    apply() {
      link.say({ type: 'apply' })
      return waited(applies, Promise.withResolvers<TaskView>())
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        yield* kept.splice(0)
        if (kept.length > 0) continue
        if (over?.error !== undefined) throw over.error
        if (over) return
        wake = Promise.withResolvers<void>()
        await wake.promise
      }
    },
    async [Symbol.asyncDispose]() {
      await link.close()
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
