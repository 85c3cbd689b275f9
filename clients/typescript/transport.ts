import type { TuneListener, TuneConnection } from './tuning.ts'
import type {
  CallOptions,
  Client,
  Content,
  DownloadOptions,
  ContentRef,
  TaskEvent,
  WatchOptions,
} from './client.ts'

/** What a protocol has to offer: calls, and single connections of what `joinClient` makes last. */
export interface Transport extends Pick<
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
  events(task: string, link: EventStreamOptions): AsyncIterable<TaskEvent | 'live' | 'over'>
  /** One connection's bytes. */
  content(from: ContentRef, part: DownloadOptions): Promise<Content>
  tune(ear: TuneListener, signal: AbortSignal | undefined): TuneConnection
  close(): Promise<void>
}

export interface EventStreamOptions extends Pick<CallOptions, 'signal'>, Pick<WatchOptions, 'silentMs'> {
  readonly after: string | undefined
}
