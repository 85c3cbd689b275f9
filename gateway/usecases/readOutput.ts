import { Fault } from '@pixelflow/core/fault'
import { format } from '@pixelflow/core/format'
import { onlyStage } from '@pixelflow/core/job'
import { demand, type Principal } from '@pixelflow/core/principal'
import { hasEnded, outputObject, type Task } from '@pixelflow/core/task'
import { contentOf, type Content } from './content.ts'
import { findTask } from './find.ts'
import type { Ports } from './ports.ts'

/** One finished output of a task, which need not have ended. @throws Fault `task_not_found`, `output_not_found`. */
export function readOutput({ events, results }: Pick<Ports, 'events' | 'results'>) {
  return async (who: Principal, taskId: string, name: string): Promise<Content> => {
    demand(who, 'tasks:read')
    const { task } = (await findTask(events, who, taskId)).event
    const output = task.outputs.find((one) => one.name === name)
    if (output === undefined) throw noOutput(task, name)
    const { bytes, sha256, mediaType } = output
    const extension = format(output.format).extensions[0]
    const fileName = `${taskId}${name === 'default' ? '' : `-${name}`}.${extension}`
    const object = outputObject(who.account, taskId, onlyStage, name)
    return contentOf(results, object, 'output_not_found', { bytes, sha256, mediaType, fileName })
  }
}

function noOutput(task: Task, name: string): Fault {
  const there = task.outputs.map((one) => one.name).join(', ')
  const known = there === '' ? 'none yet' : there
  const remedy = hasEnded(task.status)
    ? `Its outputs are: ${there === '' ? 'none' : there}.`
    : 'Watch the events of the task and fetch an output once it is finished.'
  const state = hasEnded(task.status)
    ? `it has ${task.status === 'failed' ? 'failed' : `been ${task.status}`}`
    : `it is ${task.status}; finished: ${known}`
  return new Fault('output_not_found', `The task has no finished output "${name.slice(0, 64)}": ${state}.`, {
    remedy,
  })
}
