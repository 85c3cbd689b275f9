import type { Database } from 'bun:sqlite'
import type { StoredEvent } from '@pixelflow/core/event'
import { viewTask } from '@pixelflow/core/views'
import type { IdleTaskCursor, TaskQuery } from '@pixelflow/core/ports/task-index'
import { prepareIdleTasks, activeTaskCondition, type IdleRow } from './prepare-idle-tasks.ts'
import {
  countEqualTasks,
  countChange,
  type CountedTask,
  type TaskCountChange,
} from './account-task-counts.ts'

interface Row {
  readonly id: string
  /** JSON of the view. */
  readonly task: string
}

interface FoundRow {
  readonly seq: number
  readonly json: string
}

/** Which log the tasks come from, up to which sequence, and what event is at that sequence. */
export interface Checkpoint {
  readonly logId: string
  readonly sequence: number
  readonly hash: string
}

/** The SQL statements of the read model. */
export interface Statements {
  checkpoint(): Checkpoint
  /** Stores the newest event of each task and moves the checkpoint, in one transaction. */
  write(events: readonly StoredEvent[], sequence: number, hash: string): TaskCountChange[]
  /** Newest first, one more than the limit, starting after `before`. */
  list(query: TaskQuery, before: string | undefined, changedSince: number): Row[]
  find(account: string, id: string, changedSince: number): FoundRow | null
  idle(before: number, after: IdleTaskCursor | null, limit: number): IdleRow[]
  clear(logId: string): void
  /** Deletes at most `pruneLimit` tasks whose last change was before `changedBefore`; one difference for each. */
  prune(changedBefore: number): TaskCountChange[]
  /** The counts of all tasks. */
  taskCounts(): TaskCountChange[]
}

/** Sorts after every id, because a UUID starts with a hexadecimal digit. */
const afterAllIds = 'g'
/** Most tasks that one prune deletes. It blocks the process for some milliseconds. */
export const pruneLimit = 2000

export function prepareStatements(db: Database): Statements {
  const checkpoint = db.query<Checkpoint, []>(
    'SELECT log AS logId, position AS sequence, hash FROM checkpoint',
  )
  const move = db.query<undefined, [number, string]>('UPDATE checkpoint SET position = ?, hash = ?')
  const findCounted = db.query<CountedTask, [string, string]>(
    'SELECT status, lane FROM tasks WHERE account = ? AND id = ?',
  )
  const put = db.query<undefined, [string, string, string, string, number, number, string]>(
    `INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET status = excluded.status, seq = excluded.seq, changed = excluded.changed, task = excluded.task
     WHERE excluded.seq > seq`,
  )
  const drop = db.query<undefined, [string, string]>('DELETE FROM tasks WHERE account = ? AND id = ?')
  const all = db.query<Row, [string, string, number, number]>(
    'SELECT id, task FROM tasks WHERE account = ? AND id < ? AND changed >= ? ORDER BY id DESC LIMIT ?',
  )
  const one = db.query<FoundRow, [string, string, number]>(
    'SELECT seq, task AS json FROM tasks WHERE account = ? AND id = ? AND changed >= ?',
  )
  const ofStatus = db.query<Row, [string, string, string, number, number]>(
    'SELECT id, task FROM tasks WHERE account = ? AND status = ? AND id < ? AND changed >= ? ORDER BY id DESC LIMIT ?',
  )
  const outdated = db.query<CountedTask & { account: string }, [number, number]>(
    `DELETE FROM tasks WHERE (account, id) IN (SELECT account, id FROM tasks WHERE changed < ? LIMIT ?)
     RETURNING account, status, lane`,
  )
  const active = db.query<CountedTask & { account: string; count: number }, []>(
    `SELECT account, status, lane, count(*) AS count FROM tasks INDEXED BY idle_tasks WHERE ${activeTaskCondition}
     GROUP BY account, status, lane`,
  )

  const store = ({ seq, storedAt, event }: StoredEvent): TaskCountChange | undefined => {
    const { account, id, status, lane } = event.task
    // `queued` is the first event of a task.
    const before = event.kind === 'queued' ? null : findCounted.get(account, id)
    const isDeleted = event.kind === 'deleted'
    if (isDeleted) drop.run(account, id)
    else put.run(account, id, status, lane, seq, storedAt.getTime(), JSON.stringify(viewTask(event.task)))
    return countChange(account, before, isDeleted ? null : { status, lane })
  }
  const write = db.transaction((events: readonly StoredEvent[], sequence: number, hash: string) => {
    const changes = events.map(store)
    move.run(sequence, hash)
    return changes.filter((one) => one !== undefined)
  })
  const clear = db.transaction((logId: string) => {
    db.run('DELETE FROM tasks')
    db.run("UPDATE checkpoint SET log = ?, position = 0, hash = ''", [logId])
  })

  return {
    checkpoint: () => checkpoint.get() ?? { logId: '', sequence: 0, hash: '' },
    write: (events, sequence, hash) => write.immediate(events, sequence, hash),
    list({ account, status, limit }, before = afterAllIds, changedSince) {
      return status === undefined
        ? all.all(account, before, changedSince, limit + 1)
        : ofStatus.all(account, status, before, changedSince, limit + 1)
    },
    find: (account, id, changedSince) => one.get(account, id, changedSince),
    idle: prepareIdleTasks(db),
    clear: (logId) => clear.immediate(logId),
    prune: (changedBefore) =>
      outdated
        .all(changedBefore, pruneLimit)
        .map(({ account, ...task }) => countEqualTasks(account, task, -1)),
    taskCounts: () =>
      active.all().map(({ account, count, ...task }) => countEqualTasks(account, task, count)),
  }
}
