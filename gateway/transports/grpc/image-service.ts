import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import type { CallRunner } from '../../calls/call-runner.ts'
import type { Usecases } from '../../usecases.ts'
import { callMethods } from './call-methods.ts'
import type { Implementation } from './implementation.ts'
import { processMethods } from './process-methods.ts'
import { refuseUnknownFields } from './refuse-unknown-fields.ts'
import { taskStreams } from './task-streams.ts'
import { tuneMethod } from './tune-method.ts'
import { uploadMethod } from './upload-method.ts'

export interface ImageServiceOptions {
  readonly usecases: Usecases
  readonly runner: CallRunner
  readonly uploadIdleTimeoutMs: number
}

type Methods = Implementation<typeof ImageService>
type StreamName =
  | 'upload'
  | 'process'
  | 'watchTask'
  | 'download'
  | 'processImage'
  | 'processImageUnary'
  | 'tune'

/**
 * Implements pixelflow.v1.ImageService, once for native gRPC, gRPC-Web and Connect.
 * @throws Error for a method without an implementation.
 */
export function imageService({ usecases, runner, uploadIdleTimeoutMs }: ImageServiceOptions): Methods {
  const streams: Pick<Methods, StreamName> = {
    ...uploadMethod(usecases, runner, uploadIdleTimeoutMs),
    ...taskStreams(usecases, runner),
    ...processMethods(usecases, uploadIdleTimeoutMs),
    ...tuneMethod(usecases),
  }
  const methods = {
    ...(callMethods(ImageService, runner) as unknown as Omit<Methods, StreamName>),
    ...refuseUnknownFields(ImageService, streams),
  }
  const missing = ImageService.methods.filter(({ localName }) => !Object.hasOwn(methods, localName))
  if (missing.length === 0) return methods
  throw new Error(
    `No call implements ${missing.map(({ name }) => name).join(', ')} of ${ImageService.typeName}.`,
  )
}
