import type { ActorView, EventView, ImageView, OutputView, TaskPageView, TaskView } from '@pixelflow/core/api'
import type { FormatId } from '@pixelflow/core/format'
import type { Lane } from '@pixelflow/core/job'
import type { describeOperations } from '@pixelflow/core/operations/index'
import type { Status } from '@pixelflow/core/status'
import type { TuneOptions, Tuning } from './tuning.ts'

export type { ActorView, EventView, ImageView, Lane, OutputView, TaskView }
export type TaskPage = TaskPageView

/** What the server says of itself before anybody has shown a token. */
export interface ServerSettings {
  readonly version: string
  /** Largest file that is taken, in bytes. */
  readonly maxUploadBytes: number
  /** Most pixels (width × height) that an image may have. */
  readonly maxPixels: number
  readonly formats: readonly FormatId[]
  readonly auth: 'none' | 'token' | 'certificate'
}

/** Every operation with its JSON Schema, and that of a whole recipe. */
export type Catalogue = ReturnType<typeof describeOperations>

/** The short text form (`resize:800/format:webp`), or the recipe itself. */
export type RecipeInput = string | object

/** A picture's bytes. Streams are read once and at the pace of the network. */
export type Source = Blob | ArrayBuffer | Uint8Array | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>

/** What is stored: an image as it was uploaded, or an output of a task (`default` unless named). */
export type ContentRef = { readonly image: string } | { readonly task: string; readonly output?: string }

export interface CallOptions {
  /** Ends the call; it then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Most milliseconds that the call may take, further tries included; streams have no limit unless one is given. */
  readonly timeoutMs?: number | undefined
}

/** Of calls that make something. */
export interface CreateOptions extends CallOptions {
  /**
   * With a key of its own, such as a random UUID, a call is done once, however often it is made; so it is tried again like
   * those that change nothing (an upload only of what is held, not of a stream).
   */
  readonly idempotencyKey?: string | undefined
}

/** Of calls that make a task. */
export interface TaskOptions extends CreateOptions {
  /**
   * Whom the task waits with: `interactive`, unless given, for somebody who waits for it; `bulk` for one of many. Of an
   * account that has many interactive ones under way, further ones wait in bulk; the task says so.
   */
  readonly lane?: Lane | undefined
}

export interface UploadOptions extends CreateOptions {
  /** Media type; a Blob brings its own. What counts are the bytes. */
  readonly mediaType?: string | undefined
  /** Size of a stream, when it is known: a file that is too large is then refused at once. */
  readonly bytes?: number | undefined
  /** Told how many bytes have left so far, and of how many; null when nobody knows. */
  readonly onSent?: ((bytes: number, total: number | null) => void) | undefined
}

export interface WatchOptions {
  readonly signal?: AbortSignal | undefined
  /** Token of the last event seen; the stream goes on behind it. Good on any gateway, over any protocol. */
  readonly after?: string | undefined
  /** Told when the stream is up, and before each further try (counted from 1 since the last event). */
  readonly onConnection?: ((state: 'live' | 'retrying', attempt: number) => void) | undefined
  /** So many tries in a row without a single event, and it throws; 12 unless given. `Infinity` never gives up. */
  readonly tries?: number | undefined
  /** A connection without a word for so many milliseconds is taken for dead; 45,000 unless given (HTTP only). */
  readonly silentMs?: number | undefined
  /** Milliseconds before the second try; they double up to `longestPauseMs`, each with some chance in it. */
  readonly firstPauseMs?: number | undefined
  readonly longestPauseMs?: number | undefined
}

/** Something that has happened to a task, and the token with which the stream goes on after it. */
export type TaskEvent = EventView & { readonly token: string }

export interface TaskQuery {
  readonly status?: Status | undefined
}

export interface TaskPageQuery extends TaskQuery {
  /** 1 to 200; 50 unless given. */
  readonly limit?: number | undefined
  /** `next` of the page before. */
  readonly cursor?: string | undefined
}

/** `timeoutMs` is for the beginning: how long the rest takes is up to its reader. */
export interface DownloadOptions extends CallOptions {
  /** First byte wanted; 0 unless given. */
  readonly offset?: number | undefined
  /** How many; all up to the end unless given. */
  readonly length?: number | undefined
}

/** Stored bytes, and which part of them `body` brings. */
export interface Content {
  /** Size of the whole. */
  readonly bytes: number
  /** SHA-256 of the whole, in hexadecimal. */
  readonly sha256: string
  readonly mediaType: string
  readonly offset: number
  /** Bytes that `body` brings. */
  readonly length: number
  /** Read at the reader's pace; a connection that breaks is taken up where it broke. Cancel what is not read. */
  readonly body: ReadableStream<Uint8Array>
}

export interface FollowOptions extends WatchOptions {
  readonly onEvent?: ((event: TaskEvent) => void) | undefined
  /** What becomes of the task when `signal` aborts; `leave` unless given, `cancel` for `process`. */
  readonly onAbort?: 'cancel' | 'leave' | undefined
  /** Told when `signal` has aborted before the end: the task's id, and whether the task could be cancelled. */
  readonly onLeft?: ((task: string, isCancelled: boolean) => void) | undefined
}

export interface ProcessOptions extends UploadOptions, TaskOptions, Omit<FollowOptions, 'after'> {
  readonly onImage?: ((image: ImageView) => void) | undefined
  readonly onTask?: ((task: TaskView) => void) | undefined
}

/** A completed task, and how to get its outputs. */
export interface TaskResult {
  readonly task: TaskView
  /** The outputs in the recipe's order. */
  readonly outputs: readonly (OutputView & { download(options?: DownloadOptions): Promise<Content> })[]
}

/** That, and the image that was sent for it. */
export interface ProcessResult extends TaskResult {
  readonly image: ImageView
}

export interface ProcessImageOptions extends Omit<UploadOptions, 'onSent'> {
  /** Which output is wanted, of a recipe that makes several. */
  readonly output?: string | undefined
}

/** A finished picture. */
export interface ProcessedImage extends Pick<Content, 'bytes' | 'sha256' | 'mediaType' | 'body'> {
  /** Id of the task that has made it; undefined when nothing was stored. */
  readonly task?: string
}

/**
 * A PixelFlow server. The same over HTTP and gRPC: a program chooses by how it opens one.
 *
 * Every call throws `PixelflowError` when the server refuses or nobody answers, and the reason of its signal when that
 * aborts. Calls that may be made twice are tried again when nobody answers or the server is not available just now.
 */
export interface Client extends AsyncDisposable {
  /** Where calls go, as people write it. */
  readonly address: string
  settings(options?: CallOptions): Promise<ServerSettings>
  operations(options?: CallOptions): Promise<Catalogue>
  /** The processes that do the work, by name; of the tasks they hold, own ones are named. */
  actors(options?: CallOptions): Promise<readonly ActorView[]>
  /** Stores a picture. Not tried again by itself without a key: a second try would store a second image. */
  upload(source: Source, options?: UploadOptions): Promise<ImageView>
  image(id: string, options?: CallOptions): Promise<ImageView>
  deleteImage(id: string, options?: CallOptions): Promise<void>
  /** Accepts work on a stored image. */
  createTask(image: string, recipe: RecipeInput, options?: TaskOptions): Promise<TaskView>
  task(id: string, options?: CallOptions): Promise<TaskView>
  /** One page of tasks, newest first. */
  taskPage(query?: TaskPageQuery, options?: CallOptions): Promise<TaskPage>
  /** Every task, newest first, fetched page by page as the loop goes on. */
  tasks(query?: TaskPageQuery, options?: CallOptions): AsyncGenerator<TaskView, void>
  cancel(id: string, options?: CallOptions): Promise<TaskView>
  /**
   * Does the work of a task that has ended once more, as a new task with `retryOf`. Not tried again by itself without a
   * key: a second try would make a second task.
   */
  retryTask(id: string, options?: CreateOptions): Promise<TaskView>
  /** Takes a task away with its outputs; cancels it first when it has not ended. */
  deleteTask(id: string, options?: CallOptions): Promise<void>
  /**
   * Every event of a task, each once and in order, up to and with its final one. A connection that breaks is made anew
   * and goes on where it broke, on whatever gateway answers. Ends silently when `signal` aborts.
   */
  watch(task: string, options?: WatchOptions): AsyncGenerator<TaskEvent, void>
  /**
   * Follows a task to its end.
   * @throws PixelflowError with `task` set when it fails or is cancelled.
   */
  follow(task: string, options?: FollowOptions): Promise<TaskResult>
  download(from: ContentRef, options?: DownloadOptions): Promise<Content>
  /**
   * Uploads a picture, has a recipe applied to it, and follows the task to its end.
   * @throws PixelflowError with `task` set when the task fails or is cancelled.
   */
  process(source: Source, recipe: RecipeInput, options?: ProcessOptions): Promise<ProcessResult>
  /**
   * Image in, image out, in one call: the quickest way for a small image, which is then not stored anywhere. Without a
   * `timeoutMs` it may take two minutes. Aborting ends the work.
   */
  processImage(source: Source, recipe: RecipeInput, options?: ProcessImageOptions): Promise<ProcessedImage>
  /** Opens a live session on a stored image: change the recipe as often as you like, see the picture as it will be. */
  tune(options: TuneOptions): Promise<Tuning>
}
