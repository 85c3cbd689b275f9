import { cancelTask } from './tasks/cancel-task.ts'
import { createTask } from './tasks/create-task.ts'
import {
  deleteDeadLetter,
  getDeadLetter,
  listDeadLetters,
  replayDeadLetter,
} from './operators/dead-letters.ts'
import { deleteImage } from './images/delete-image.ts'
import { deleteTask } from './tasks/delete-task.ts'
import { getTask } from './tasks/get-task.ts'
import { bufferImage } from './process/buffer-image.ts'
import { getImage } from './images/get-image.ts'
import { listActors } from './operators/list-actors.ts'
import { listOperations } from './process/list-operations.ts'
import { listTasks } from './tasks/list-tasks.ts'
import { withIdempotency } from './idempotency/with-idempotency.ts'
import type { Ports } from './ports.ts'
import { writePositionOf } from './consistency/wait-for-position.ts'
import { processImage } from './process/process-image.ts'
import { readImage } from './images/read-image.ts'
import { readOutput } from './tasks/read-output.ts'
import { retryTask } from './tasks/retry-task.ts'
import { tune } from './tuning/tune.ts'
import { stageImage, uploadImage } from './images/upload-image.ts'
import { watchTask } from './tasks/watch-task.ts'

/** All use cases of PixelFlow. Every transport calls these. */
export function createUsecases(ports: Ports) {
  const create = createTask(ports)
  return {
    withIdempotency: withIdempotency(ports),
    positionOf: writePositionOf(ports),
    uploadImage: uploadImage(ports),
    stageImage: stageImage(ports),
    bufferImage: bufferImage(ports),
    processImage: processImage(ports),
    getImage: getImage(ports),
    readImage: readImage(ports),
    deleteImage: deleteImage(ports),
    createTask: create,
    getTask: getTask(ports),
    listTasks: listTasks(ports),
    watchTask: watchTask(ports),
    cancelTask: cancelTask(ports),
    retryTask: retryTask(ports, create),
    deleteTask: deleteTask(ports),
    readOutput: readOutput(ports),
    listOperations: listOperations(),
    listActors: listActors(ports),
    tune: tune(ports, create),
    listDeadLetters: listDeadLetters(ports),
    getDeadLetter: getDeadLetter(ports),
    replayDeadLetter: replayDeadLetter(ports, create),
    deleteDeadLetter: deleteDeadLetter(ports),
  }
}

export type Usecases = ReturnType<typeof createUsecases>
