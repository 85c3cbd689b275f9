/** PixelFlow client over HTTP, for Bun, Node and browsers. `@pixelflow/client/grpc` is the same client over native gRPC. */
export { openHttp, type HttpOptions } from './http/open-http.ts'
export {
  openAdmin,
  type Admin,
  type DeadLetterPageQuery,
  type DeadLetterPageView,
  type DeadLetterView,
} from './http/open-admin.ts'
export type { Credentials } from './credentials.ts'
export type { FetchLike } from './http/http-caller.ts'
export type { SocketLike, SocketFactory } from './http/connect-tune.ts'
export { PixelflowError, type ErrorCode } from './pixelflow-error.ts'
export type { TuneChange, TuneEvent, TuneOptions, TunePreview, Tuning } from './tuning.ts'
export { taskError } from './task-error.ts'
export type {
  ActorView,
  OperationCatalogue,
  CallOptions,
  Client,
  Content,
  DownloadOptions,
  TaskResult,
  FollowOptions,
  EventView,
  ImageView,
  Lane,
  CreateOptions,
  OutputView,
  ProcessedImage,
  ProcessImageOptions,
  ProcessOptions,
  ProcessResult,
  RecipeInput,
  ServerSettings,
  ImageInput,
  ContentRef,
  TaskEvent,
  TaskOptions,
  TaskPageView,
  TaskPageQuery,
  TaskView,
  UploadOptions,
  WatchOptions,
} from './client.ts'
