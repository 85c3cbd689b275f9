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
    /** Default: JPEG, or WebP if the preview has transparency. */
    readonly format?: 'jpeg' | 'webp'
    /** Quality of the preview's encoding, 1 to 100; default 80. */
    readonly quality?: number
  }
  /** How often the session is retried if it cannot be opened, e.g. while no actor can render previews; default 3. */
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
  /** Size of the decoded image, and of the smaller copy from which previews are rendered. */
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

/** A message that the server sends, with the file of a preview. */
export type TuneServerMessage = TuneEvent | AppliedMessage | FailedMessage

/** The sending side of one session over some protocol. */
export interface TuneSender {
  send(message: ClientMessageInput): void
  /** Ends the session and waits until the connection is closed. */
  close(): Promise<void>
}

/** The receiving side of one session. */
export interface TuneListener {
  onMessage(message: TuneServerMessage): void
  /** Called once. Without an error, the session has ended normally. */
  onEnd(error?: unknown): void
}

interface PendingPreview extends PromiseWithResolvers<TunePreview> {
  readonly sequence: number
}

/** Most unread events that are kept. */
const maxUnread = 64

/** Opens a session over any protocol. Resolves once the server has decoded the image. */
export async function openTuning(
  connect: (listener: TuneListener) => TuneSender,
  { image, recipe, output, preview = {} }: Omit<TuneOptions, 'signal' | 'retries'>,
): Promise<Tuning> {
  const unread: TuneEvent[] = []
  const pendingPreviews: PendingPreview[] = []
  const pendingApplies: PromiseWithResolvers<TaskView>[] = []
  const opening = Promise.withResolvers<OpenedMessage>()
  const changed = createNotifier()
  let newest: TunePreview | undefined
  let lastSequence = 0
  let end: { readonly error: unknown } | undefined

  /** Adds an event for the iterator. Of unread previews only the newest is kept. */
  function enqueue(event: TuneEvent): void {
    const replaced = event.type === 'preview' ? unread.findIndex(({ type }) => type === 'preview') : -1
    if (replaced >= 0) unread.splice(replaced, 1)
    else if (unread.length >= maxUnread) unread.shift()
    unread.push(event)
    changed.notify()
  }

  function finish(error: unknown): void {
    if (end) return
    end = { error }
    const reason = error ?? sessionEndedError()
    opening.reject(reason)
    for (const pending of [...pendingPreviews.splice(0), ...pendingApplies.splice(0)]) pending.reject(reason)
    changed.notify()
  }

  const sender = connect({
    onMessage(message) {
      switch (message.type) {
        case 'opened':
          opening.resolve(message)
          return enqueue(message)
        case 'preview':
          newest = message
          for (const pending of remove(pendingPreviews, ({ sequence }) => sequence <= message.sequence))
            pending.resolve(message)
          return enqueue(message)
        case 'applied':
          return pendingApplies.shift()?.resolve(message.task)
        case 'refused':
          if (message.apply === true) return pendingApplies.shift()?.reject(toError(message.fault))
          for (const pending of remove(pendingPreviews, ({ sequence }) => sequence === message.sequence))
            pending.reject(toError(message.fault))
          return enqueue(message)
        case 'restored':
          return enqueue(message)
        case 'failed':
          return finish(toError(message.fault))
      }
    },
    onEnd: finish,
  })

  sender.send({
    type: 'open',
    image,
    recipe: recipe as string | Record<string, unknown>,
    preview,
    ...(output === undefined ? {} : { output }),
  })
  return {
    opened: await opening.promise,
    get isOpen() {
      return end === undefined
    },
    change(change) {
      lastSequence += 1
      sender.send({ ...(change as { recipe: string }), type: 'change', sequence: lastSequence })
      return lastSequence
    },
    preview(sequence) {
      if (newest !== undefined && newest.sequence >= sequence) return Promise.resolve(newest)
      return addPending(pendingPreviews, { ...Promise.withResolvers<TunePreview>(), sequence })
    },
    apply() {
      sender.send({ type: 'apply' })
      return addPending(pendingApplies, Promise.withResolvers<TaskView>())
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        yield* unread.splice(0)
        if (unread.length > 0) continue
        if (end?.error !== undefined) throw end.error
        if (end) return
        await changed.wait()
      }
    },
    async [Symbol.asyncDispose]() {
      await sender.close()
      finish(undefined)
    },
  }

  /** Adds a request to the pending ones, or rejects it if the session has ended. */
  function addPending<T, P extends PromiseWithResolvers<T>>(pending: P[], request: P): Promise<T> {
    if (end) request.reject(end.error ?? sessionEndedError())
    else pending.push(request)
    return request.promise
  }
}

/** Removes the matching items from a list and returns them. */
function remove<T>(list: T[], isMatch: (item: T) => boolean): T[] {
  const removed = list.filter(isMatch)
  list.splice(0, list.length, ...list.filter((item) => !isMatch(item)))
  return removed
}

function sessionEndedError(): PixelflowError {
  return new PixelflowError('cancelled', 'The tuning session has ended.', {
    remedy: 'Open another session with the current recipe.',
  })
}

function toError({ code, detail, ...fields }: FaultReport): PixelflowError {
  return new PixelflowError(code, detail, fields)
}
