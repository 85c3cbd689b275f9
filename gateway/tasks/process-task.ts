import { faultCodesWith } from '@pixelflow/core/fault'
import { createTaskInput } from '@pixelflow/core/inputs'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { declareStream } from '../calls/declare-call.ts'
import { createTask } from './create-task.ts'

/** Creates a task, and streams its events and outputs. REST has server-sent events and downloads. */
export const processTask = declareStream({
  name: 'processTask',
  tag: 'tasks',
  summary: 'Create a task, watch it, and download its outputs',
  rpc: ImageService.method.process,
  access: 'tasks:write',
  faults: [...(createTask.faults ?? []), ...faultCodesWith('isProcessingFault')],
  creates: { resource: 'task', keyKind: 'process' },
  writes: true,
  input: createTaskInput,
})
