import type {
  ActorView,
  EventView,
  ImageView,
  OutputView,
  SettingsView,
  TaskPageView,
  TaskView,
} from '@pixelflow/core/views'
import type { Lane } from '@pixelflow/core/job'
import type { describeOperations } from '@pixelflow/core/operations/index'
import type { Status } from '@pixelflow/core/status'
import type { TuneOptions, Tuning } from './tuning.ts'
import type { UnaryCalls } from './unary-calls.ts'

export type { ActorView, EventView, ImageView, Lane, OutputView, TaskPageView, TaskView }

/** Version and limits of the server, available without credentials. */
export type ServerSettings = SettingsView

/** Every operation with its JSON Schema, and the JSON Schema of recipes. */
export type OperationCatalogue = ReturnType<typeof describeOperations>

/** A recipe in text form (`resize:800/format:webp`) or as an object. */
export type RecipeInput = string | object

/** The bytes of an image to upload. Streams are read once, as fast as the network accepts them. */
export type ImageInput =
  | Blob
  | ArrayBuffer
  | Uint8Array
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>

/** A stored file: an uploaded image, or an output of a task (default: `default`). */
export type ContentRef = { readonly image: string } | { readonly task: string; readonly output?: string }

export interface CallOptions {
  /** Aborts the call, which then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Timeout in milliseconds, including retries. Streams have no default timeout. */
  readonly timeoutMs?: number | undefined
}

/** Options of calls that create a resource. */
export interface CreateOptions extends CallOptions {
  /**
   * A unique key, such as a random UUID. The server runs the call at most once per key, so the client can retry it like a
   * read. (An upload is retried only if its source is not a stream.)
   */
  readonly idempotencyKey?: string | undefined
}

/** Options of calls that create a task. */
export interface TaskOptions extends CreateOptions {
  /**
   * Priority in the queue: `interactive` (default) if a person waits for the result, `bulk` for batches. When an account
   * has many interactive tasks in progress, further ones are queued as bulk; the task shows its lane.
   */
  readonly lane?: Lane | undefined
}

export interface UploadOptions extends CreateOptions {
  /** Media type; default: that of the Blob. The server detects the format from the bytes. */
  readonly mediaType?: string | undefined
  /** Size of a stream, if known. A file that is too large is then rejected at once. */
  readonly bytes?: number | undefined
  /** Called with the bytes sent so far and the total, which is null if unknown. */
  readonly onSent?: ((bytes: number, total: number | null) => void) | undefined
}

export interface WatchOptions {
  readonly signal?: AbortSignal | undefined
  /** Token of the last event received; the stream continues after it. Valid on any gateway and over any protocol. */
  readonly after?: string | undefined
  /**
   * Called with `live` when the stream is connected, and with `retrying` before each retry. `attempt` counts the retries
   * since the last event, from 1.
   */
  readonly onConnection?: ((state: 'live' | 'retrying', attempt: number) => void) | undefined
  /** Consecutive tries without an event after which the stream throws; default 12. `Infinity` retries forever. */
  readonly tries?: number | undefined
  /** Milliseconds without data after which a connection counts as lost; default 45,000 (HTTP only). */
  readonly silentMs?: number | undefined
  /** Pause before the second try in milliseconds. It doubles up to `longestPauseMs`, with jitter. */
  readonly firstPauseMs?: number | undefined
  readonly longestPauseMs?: number | undefined
}

/** An event of a task, with the token that continues the stream after it. */
export type TaskEvent = EventView & { readonly token: string }

export interface TaskPageQuery {
  /** Only tasks with this status. */
  readonly status?: Status | undefined
  /** Page size, 1 to 200; default 50. */
  readonly limit?: number | undefined
  /** `next` of the previous page. */
  readonly cursor?: string | undefined
}

/** `timeoutMs` bounds the time until the response begins; reading the body has no timeout. */
export interface DownloadOptions extends CallOptions {
  /** Offset of the first byte; default 0. */
  readonly offset?: number | undefined
  /** Number of bytes; default: all up to the end. */
  readonly length?: number | undefined
}

/** A stored file, and the requested range of it in `body`. */
export interface Content {
  /** Size of the whole file. */
  readonly bytes: number
  /** SHA-256 of the whole file, in hexadecimal. */
  readonly sha256: string
  readonly mediaType: string
  /** Offset of the first byte of `body` in the file. */
  readonly offset: number
  /** Number of bytes in `body`. */
  readonly length: number
  /** Read with backpressure; a broken connection is resumed. Cancel it if you do not read it to the end. */
  readonly body: ReadableStream<Uint8Array>
}

export interface FollowOptions extends WatchOptions {
  readonly onEvent?: ((event: TaskEvent) => void) | undefined
  /**
   * What happens to the task when `signal` aborts: `cancel` cancels it, `leave` lets it continue. Default: `leave`, and
   * `cancel` for `process`.
   */
  readonly onAbort?: 'cancel' | 'leave' | undefined
  /** Called if `signal` aborts before the task has ended, with its id and whether it was cancelled. */
  readonly onInterrupted?: ((task: string, isCancelled: boolean) => void) | undefined
}

export interface ProcessOptions extends UploadOptions, TaskOptions, Omit<FollowOptions, 'after'> {
  readonly onImage?: ((image: ImageView) => void) | undefined
  readonly onTask?: ((task: TaskView) => void) | undefined
}

/** A completed task and its outputs. */
export interface TaskResult {
  readonly task: TaskView
  /** The outputs in the recipe's order. */
  readonly outputs: readonly (OutputView & { download(options?: DownloadOptions): Promise<Content> })[]
}

/** A completed task and the image uploaded for it. */
export interface ProcessResult extends TaskResult {
  readonly image: ImageView
}

export interface ProcessImageOptions extends Omit<UploadOptions, 'onSent'> {
  /** Name of the output to return; required if the recipe has several. */
  readonly output?: string | undefined
}

/** A processed image. */
export interface ProcessedImage extends Pick<Content, 'bytes' | 'sha256' | 'mediaType' | 'body'> {
  /** Id of the task that produced it; undefined if nothing was stored. */
  readonly task?: string
}

/**
 * A client of a PixelFlow server, with the same calls over HTTP (`openHttp`) and gRPC (`openGrpc`).
 *
 * A call throws `PixelflowError` if the server rejects it or cannot be reached, and the signal's reason if the signal
 * aborts. Calls that are safe to repeat are retried while the error is temporary.
 */
export interface Client extends UnaryCalls, AsyncDisposable {
  /** Address of the server, as given. */
  readonly address: string
  /** Stores an image. Without an idempotency key it is not retried: a second try would store a second image. */
  upload(source: ImageInput, options?: UploadOptions): Promise<ImageView>
  /** Every task, newest first, fetched page by page during iteration. */
  tasks(query?: TaskPageQuery, options?: CallOptions): AsyncGenerator<TaskView, void>
  /**
   * Streams every event of a task, each once and in order, up to and including the final one. A broken connection is
   * reopened and resumed on any gateway. Ends without an error when `signal` aborts.
   */
  watch(task: string, options?: WatchOptions): AsyncGenerator<TaskEvent, void>
  /**
   * Follows a task to its end.
   * @throws PixelflowError with `task` set if the task fails or is cancelled.
   */
  follow(task: string, options?: FollowOptions): Promise<TaskResult>
  download(from: ContentRef, options?: DownloadOptions): Promise<Content>
  /**
   * Uploads an image, creates a task with the recipe, and follows the task to its end.
   * @throws PixelflowError with `task` set if the task fails or is cancelled.
   */
  process(source: ImageInput, recipe: RecipeInput, options?: ProcessOptions): Promise<ProcessResult>
  /**
   * Processes an image in one call. This is the fastest way for a small image, which is not stored. The default timeout is
   * two minutes. Aborting the call stops the work.
   */
  processImage(
    source: ImageInput,
    recipe: RecipeInput,
    options?: ProcessImageOptions,
  ): Promise<ProcessedImage>
  /** Opens a tuning session on a stored image: change the recipe and receive live previews. */
  tune(options: TuneOptions): Promise<Tuning>
}
