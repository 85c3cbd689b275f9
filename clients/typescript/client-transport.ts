import type {
  CallOptions,
  Client,
  Content,
  ContentRef,
  DownloadOptions,
  TaskEvent,
  WatchOptions,
} from './client.ts'
import type { TuneListener, TuneSender } from './tuning.ts'

/** What a protocol implements: calls, and single connections that `createClient` reopens when they break. */
export interface ClientTransport extends Pick<Client, 'address' | 'call' | 'upload' | 'processImage'> {
  /**
   * The events of one connection: `live` once it is established, `complete` if no further event can follow. The
   * iteration ends with the connection.
   */
  events(task: string, options: EventConnectionOptions): AsyncIterable<TaskEvent | 'live' | 'complete'>
  /** The bytes that one connection delivers. */
  content(from: ContentRef, options: DownloadOptions): Promise<Content>
  tune(listener: TuneListener, signal: AbortSignal | undefined): TuneSender
  close(): Promise<void>
}

export interface EventConnectionOptions extends Pick<CallOptions, 'signal'>, Pick<WatchOptions, 'silentMs'> {
  /** Token of the event after which the stream starts; undefined for all events. */
  readonly after: string | undefined
}
