import { cancelTask } from './cancel-task.ts'
import { createTask } from './create-task.ts'
import { dropDeadLetter, getDeadLetter, listDeadLetters, replayDeadLetter } from './dead-letters.ts'
import { deleteImage } from './delete-image.ts'
import { deleteTask } from './delete-task.ts'
import { getTask } from './get-task.ts'
import { holdImage } from './hold-image.ts'
import { inspectImage } from './inspect-image.ts'
import { listActors } from './list-actors.ts'
import { listOperations } from './list-operations.ts'
import { listTasks } from './list-tasks.ts'
import { once } from './once.ts'
import type { Ports } from './ports.ts'
import { positionOf } from './position.ts'
import { processImage } from './process-image.ts'
import { readImage } from './read-image.ts'
import { readOutput } from './read-output.ts'
import { retryTask } from './retry-task.ts'
import { tune } from './tune.ts'
import { stageImage, uploadImage } from './upload-image.ts'
import { watchTask } from './watch-task.ts'

/** Everything that can be asked of PixelFlow, over whichever transport. */
export function createUsecases(ports: Ports) {
  const accept = createTask(ports)
  return {
    once: once(ports),
    positionOf: positionOf(ports),
    uploadImage: uploadImage(ports),
    stageImage: stageImage(ports),
    holdImage: holdImage(ports),
    processImage: processImage(ports),
    inspectImage: inspectImage(ports),
    readImage: readImage(ports),
    deleteImage: deleteImage(ports),
    createTask: accept,
    getTask: getTask(ports),
    listTasks: listTasks(ports),
    watchTask: watchTask(ports),
    cancelTask: cancelTask(ports),
    retryTask: retryTask(ports, accept),
    deleteTask: deleteTask(ports),
    readOutput: readOutput(ports),
    listOperations: listOperations(),
    listActors: listActors(ports),
    tune: tune(ports, accept),
    listDeadLetters: listDeadLetters(ports),
    getDeadLetter: getDeadLetter(ports),
    replayDeadLetter: replayDeadLetter(ports, accept),
    dropDeadLetter: dropDeadLetter(ports),
  }
}

export type Usecases = ReturnType<typeof createUsecases>
