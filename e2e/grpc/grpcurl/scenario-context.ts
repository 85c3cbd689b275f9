import type { Value } from '@bufbuild/protobuf/wkt'
import { ImageService, type Image, type Task, type TaskEvent } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { callGrpcurl, type GrpcurlCaller, type GrpcurlOptions, type GrpcurlResult } from './call-grpcurl.ts'
import { expectResult, required } from './expect-result.ts'
import { twoOutputsRecipe } from './create-recipe-value.ts'
import { createUpload, type UploadMessage } from './create-upload.ts'

/** The callers of the scenarios, and the image they upload. */
export interface ScenarioOptions {
  /** Two accounts. */
  readonly ann: GrpcurlCaller
  readonly bob: GrpcurlCaller
  /** Connects, but sends no token. */
  readonly publicCaller: GrpcurlCaller
  /** Sends neither a token nor a certificate. */
  readonly unauthenticated: GrpcurlCaller
  /** Present only when the server uses certificates. */
  readonly untrusted?: {
    /** Presents a certificate of another authority. */
    readonly wrongCertificate: GrpcurlCaller
    /** Trusts another authority than that of the server. */
    readonly wrongServer: GrpcurlCaller
  }
  /** JPEG, 640 × 480. */
  readonly photo: Uint8Array
}

/** One run of the scenarios against one server. The image and the completed task are created on first use. */
export interface ScenarioContext extends ScenarioOptions {
  image(): Promise<Image>
  /** A completed task with the outputs `large` and `small`. */
  completedTask(): Promise<Task>
  create(recipe: Value): Promise<Task>
  /** Waits for the end of a task. */
  finish(task: Task): Promise<Task>
  watch(
    id: string,
    after?: string,
    who?: GrpcurlCaller,
    options?: GrpcurlOptions,
  ): Promise<GrpcurlResult<TaskEvent>>
  cancel(id: string): Promise<GrpcurlResult<Task>>
  upload(...messages: UploadMessage[]): Promise<GrpcurlResult<Image>>
}

export type Scenario = (context: ScenarioContext) => Promise<void>

export const methods = ImageService.method

export function openScenarioContext(options: ScenarioOptions): ScenarioContext {
  const { ann, photo } = options
  let image: Promise<Image> | undefined
  let completedTask: Promise<Task> | undefined
  const context: ScenarioContext = {
    ...options,
    image: () => (image ??= context.upload(...createUpload(photo)).then(expectResult)),
    completedTask: () => (completedTask ??= context.create(twoOutputsRecipe).then(context.finish)),
    async create(recipe) {
      const { id } = await context.image()
      const { task } = expectResult(await callGrpcurl(ann, methods.createTask, { image: id, recipe }))
      return required(task)
    },
    async finish({ id }) {
      const { responses } = await context.watch(id)
      return required(responses.at(-1)?.task)
    },
    async watch(id, after = '', who = ann, limits = {}) {
      const result = await callGrpcurl(who, methods.watchTask, { id, after }, limits)
      return { ...result, responses: result.responses.map(({ event }) => required(event)) }
    },
    async cancel(id) {
      const result = await callGrpcurl(ann, methods.cancelTask, { id })
      return { ...result, responses: result.responses.map(({ task }) => required(task)) }
    },
    async upload(...messages) {
      const result = await callGrpcurl(ann, methods.upload, messages)
      return { ...result, responses: result.responses.map(({ image }) => required(image)) }
    },
  }
  return context
}
