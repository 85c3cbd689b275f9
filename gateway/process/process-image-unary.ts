import { noInput } from '@pixelflow/core/inputs'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { declareStream } from '../calls/declare-call.ts'
import { processImage } from './process-image.ts'

/** `processImage` with one message in each direction. REST has no use for it: its bodies are plain bytes. */
export const processImageUnary = declareStream({
  name: 'processImageUnary',
  tag: 'tasks',
  summary: 'Process an image that fits into one message',
  rpc: ImageService.method.processImageUnary,
  access: 'tasks:write',
  faults: processImage.faults,
  writes: true,
  limits: 'image',
  input: noInput,
})
