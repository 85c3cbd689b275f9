// Generated from the declarations of calls in gateway: `./pixelflow verify --write`.

import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'

/** The method of each call, and the field of its response that holds the output; empty for the whole response. */
export const rpcCalls = {
  cancelTask: { method: ImageService.method.cancelTask, field: 'task' },
  createTask: { method: ImageService.method.createTask, field: 'task' },
  deleteImage: { method: ImageService.method.deleteImage, field: '' },
  deleteTask: { method: ImageService.method.deleteTask, field: '' },
  getImage: { method: ImageService.method.getImage, field: 'image' },
  getOperation: { method: ImageService.method.getOperation, field: 'operation' },
  getSettings: { method: ImageService.method.getVersion, field: '' },
  getTask: { method: ImageService.method.getTask, field: 'task' },
  listActors: { method: ImageService.method.listActors, field: '' },
  listOperations: { method: ImageService.method.listOperations, field: '' },
  listTasks: { method: ImageService.method.listTasks, field: '' },
  retryTask: { method: ImageService.method.retryTask, field: 'task' },
} as const

/** Fields of responses that may have no value, by message, and what that means. */
export const absences = {
  'pixelflow.v1.TaskEvent': {"output":"optional"},
  'pixelflow.v1.Task': {"actor":"optional","fault":"optional","startedAt":"optional","endedAt":"optional","retryOf":"optional","lane":{"default":"interactive"},"traceId":"optional"},
  'pixelflow.v1.Fault': {"field":"optional","remedy":"optional","retryAfterMs":"optional"},
  'pixelflow.v1.Image': {"width":"nullable","height":"nullable"},
  'pixelflow.v1.ListTasksResponse': {"next":"nullable"},
} as const
