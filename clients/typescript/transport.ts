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

/** What a protocol implements: calls, and single connections that `createClient` reopens when they break. */
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
  /** The events of one connection; `live` once it is established, `over` if no event can follow. Ends with the connection. */
  events(task: string, link: EventStreamOptions): AsyncIterable<TaskEvent | 'live' | 'over'>
  /** The bytes of one connection. */
  content(from: ContentRef, part: DownloadOptions): Promise<Content>
  tune(listener: TuneListener, signal: AbortSignal | undefined): TuneConnection
  close(): Promise<void>
}

export interface EventStreamOptions extends Pick<CallOptions, 'signal'>, Pick<WatchOptions, 'silentMs'> {
  readonly after: string | undefined
}
