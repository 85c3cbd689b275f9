import { Fault } from '@pixelflow/core/fault'
import { formatOf } from '@pixelflow/core/format'
import { onlyStage } from '@pixelflow/core/job'
import { outputNames } from '@pixelflow/core/recipe/recipe'
import { requireScope, type Principal } from '@pixelflow/core/principal'
import { outputContentInput } from '@pixelflow/core/inputs'
import { hasEnded, outputObject, type Task } from '@pixelflow/core/task'
import { shorten } from '@pixelflow/core/shorten'
import { createStoredContent, type StoredContent } from '../images/stored-content.ts'
import { declareStream } from '../calls/declare-call.ts'
import { findTask } from './find-task.ts'
import type { Ports } from '../ports.ts'

/** A finished output, also of a task that has not ended. */
export const getOutput = declareStream({
  name: 'getOutput',
  tag: 'tasks',
  summary: 'Download an output',
  http: {
    method: 'GET',
    path: '/api/v1/tasks/{id}/outputs/{name}',
    head: { name: 'headOutput', summary: 'Get the headers of the download without the content' },
  },
  access: 'tasks:read',
  faults: ['task_not_found', 'output_not_found', 'precondition_failed', 'range_not_satisfiable'],
  limits: 'small',
  input: outputContentInput,
  open: readOutput,
})

/** @throws Fault `task_not_found`, `output_not_found`. */
export function readOutput({ events, results }: Pick<Ports, 'events' | 'results'>) {
  return async (who: Principal, taskId: string, name: string): Promise<StoredContent> => {
    requireScope(who, 'tasks:read')
    const { task } = (await findTask(events, who, taskId)).event
    const output = task.outputs.find((one) => one.name === name)
    if (output === undefined) throw outputNotFound(task, name)
    const { bytes, sha256, location, mediaType } = output
    const extension = formatOf(output.format).extensions[0]
    const fileName = `${taskId}${name === 'default' ? '' : `-${name}`}.${extension}`
    const object = outputObject(who.account, taskId, onlyStage, name)
    return createStoredContent(results, object, 'output_not_found', {
      bytes,
      sha256,
      location,
      mediaType,
      fileName,
    })
  }
}

function outputNotFound(task: Task, name: string): Fault {
  const names = outputNames(task.recipe)
  if (!names.includes(name)) {
    return new Fault('output_not_found', `The recipe of the task has no output "${shorten(name)}".`, {
      remedy: `Request ${names.length === 1 ? 'output' : 'one of'} ${names.join(', ')}.`,
    })
  }
  if (!hasEnded(task.status)) {
    return new Fault(
      'output_not_found',
      `The output "${name}" is not finished yet: the task is ${task.status}.`,
      {
        remedy: 'Watch the events of the task, and fetch the output when it is finished.',
      },
    )
  }
  const end = task.status === 'failed' ? 'has failed' : `was ${task.status}`
  return new Fault('output_not_found', `The output "${name}" does not exist: the task ${end}.`, {
    remedy: task.fault?.detail ?? 'Create a new task from the same image.',
  })
}
