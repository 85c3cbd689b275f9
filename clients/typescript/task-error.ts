import type { TaskView } from '@pixelflow/core/views'
import { PixelflowError } from './pixelflow-error.ts'

/** The error of a task that has ended without completing; undefined if it completed. */
export function taskError(task: TaskView): PixelflowError | undefined {
  if (task.status === 'completed') return undefined
  if (task.fault === undefined) {
    return new PixelflowError('cancelled', `Task ${task.id} is ${task.status}.`, { task })
  }
  const { code, detail, ...hints } = task.fault
  return new PixelflowError(code, detail, { ...hints, task })
}
