import type { Database } from 'bun:sqlite'
import type { NewTask } from '@pixelflow/core/actor-kinds'
import { statuses, hasEnded } from '@pixelflow/core/status'
import type { IdleTaskCursor } from '@pixelflow/core/ports/task-index'

export interface IdleRow extends NewTask {
  readonly changed: number
}

const active = statuses.filter((one) => !hasEnded(one)).map((one) => `'${one}'`)
/** SQL condition for rows of the table `tasks` whose task has not ended. */
export const activeTaskCondition = `status IN (${active.join(', ')})`

/** Finds tasks that have not ended, ordered by their last change. */
export function prepareIdleTasks(db: Database) {
  const idle = db.query<IdleRow, [number, number, string, string, number]>(
    `SELECT changed, account, id, lane FROM tasks
     WHERE ${activeTaskCondition} AND changed < ? AND (changed, account, id) > (?, ?, ?)
     ORDER BY changed, account, id LIMIT ?`,
  )
  return (before: number, after: IdleTaskCursor | null, limit: number): IdleRow[] =>
    idle.all(before, after?.changed ?? 0, after?.account ?? '', after?.task ?? '', limit)
}
