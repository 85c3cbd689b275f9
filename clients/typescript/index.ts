/** PixelFlow over HTTP, for browsers, Node and Bun; `@pixelflow/client/grpc` is the same over native gRPC. */
export { openHttp, type HttpOptions } from './http/open.ts'
export {
  openAdmin,
  type Admin,
  type DeadLetterPage,
  type DeadLetterQuery,
  type DeadLetterView,
} from './http/admin.ts'
export type { Credentials } from './token.ts'
export type { FetchLike } from './http/call.ts'
export type { SocketLike, SocketMaker } from './http/tune.ts'
export { PixelflowError, type ErrorCode } from './error.ts'
export type { TuneChange, Tuned, TuneOptions, TunePreview, Tuning } from './tuning.ts'
export { failureOf } from './failure.ts'
export type {
  ActorView,
  Catalogue,
  CallOptions,
  Client,
  Content,
  DownloadOptions,
  Finished,
  FollowOptions,
  EventView,
  ImageView,
  Lane,
  MakingOptions,
  OutputView,
  Picture,
  ProcessImageOptions,
  ProcessOptions,
  Processed,
  RecipeInput,
  Settings,
  Source,
  Stored,
  TaskEvent,
  TaskOptions,
  TaskPage,
  TaskPageQuery,
  TaskQuery,
  TaskView,
  UploadOptions,
  WatchOptions,
} from './client.ts'
