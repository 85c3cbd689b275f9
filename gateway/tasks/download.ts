import { noInput } from '@pixelflow/core/inputs'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { declareStream } from '../calls/declare-call.ts'

/** Downloads an image or an output; each requires its own scope. REST has a path for each. */
export const download = declareStream({
  name: 'download',
  tag: 'tasks',
  summary: 'Download an uploaded image or a finished output',
  rpc: ImageService.method.download,
  access: 'any',
  faults: ['image_not_found', 'task_not_found', 'output_not_found', 'range_not_satisfiable'],
  input: noInput,
})
