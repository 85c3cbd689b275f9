import type { Database } from 'bun:sqlite'
import { statuses, hasEnded } from '@pixelflow/core/status'
import type { IdlePlace } from '@pixelflow/core/ports/task-index'

export interface IdleRow {
  readonly changed: number
  readonly account: string
  readonly id: string
  readonly task: string
}

const active = statuses.filter((one) => !hasEnded(one)).map((one) => `'${one}'`)
const isActive = `status IN (${active.join(', ')})`

/** Finds tasks that have not ended by when they last changed; few, so the index that this takes is small. */
export function idleStatement(db: Database) {
  db.run(`CREATE INDEX IF NOT EXISTS idle_tasks ON tasks (changed) WHERE ${isActive}`)
  const idle = db.query<IdleRow, [number, number, string, string, number]>(
    `SELECT changed, account, id, task FROM tasks
     WHERE ${isActive} AND changed < ? AND (changed, account, id) > (?, ?, ?)
     ORDER BY changed, account, id LIMIT ?`,
  )
  return (before: number, after: IdlePlace | null, limit: number): IdleRow[] =>
    idle.all(before, after?.changed ?? 0, after?.account ?? '', after?.task ?? '', limit)
}
