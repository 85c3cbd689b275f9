import type { TuneEar, TuneLink } from './tuning.ts'
import type {
  CallOptions,
  Client,
  Content,
  DownloadOptions,
  Stored,
  TaskEvent,
  WatchOptions,
} from './client.ts'

/** What a protocol has to offer: calls, and single connections of what `joinClient` makes last. */
export interface Wire extends Pick<
  Client,
  | 'address'
  | 'settings'
  | 'operations'
  | 'actors'
  | 'upload'
  | 'image'
  | 'deleteImage'
  | 'createTask'
  | 'task'
  | 'taskPage'
  | 'cancel'
  | 'retryTask'
  | 'deleteTask'
  | 'processImage'
> {
  /** One connection's events; `live` once it is up, `over` when nothing will ever follow. Ends when the connection does. */
  events(task: string, link: EventLink): AsyncIterable<TaskEvent | 'live' | 'over'>
  /** One connection's bytes. */
  content(from: Stored, part: DownloadOptions): Promise<Content>
  tune(ear: TuneEar, signal: AbortSignal | undefined): TuneLink
  close(): Promise<void>
}

export interface EventLink extends Pick<CallOptions, 'signal'>, Pick<WatchOptions, 'silentMs'> {
  readonly after: string | undefined
}
