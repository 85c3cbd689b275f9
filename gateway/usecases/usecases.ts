import { cancelTask } from './cancelTask.ts'
import { createTask } from './createTask.ts'
import { deleteImage } from './deleteImage.ts'
import { deleteTask } from './deleteTask.ts'
import { getTask } from './getTask.ts'
import { inspectImage } from './inspectImage.ts'
import { listOperations } from './listOperations.ts'
import { listTasks } from './listTasks.ts'
import type { Ports } from './ports.ts'
import { readImage } from './readImage.ts'
import { readOutput } from './readOutput.ts'
import { stageImage, uploadImage } from './uploadImage.ts'
import { watchTask } from './watchTask.ts'

/** Everything that can be asked of PixelFlow, over whichever transport. */
export function createUsecases(ports: Ports) {
  return {
    uploadImage: uploadImage(ports),
    stageImage: stageImage(ports),
    inspectImage: inspectImage(ports),
    readImage: readImage(ports),
    deleteImage: deleteImage(ports),
    createTask: createTask(ports),
    getTask: getTask(ports),
    listTasks: listTasks(ports),
    watchTask: watchTask(ports),
    cancelTask: cancelTask(ports),
    deleteTask: deleteTask(ports),
    readOutput: readOutput(ports),
    listOperations: listOperations(),
  }
}

export type Usecases = ReturnType<typeof createUsecases>
