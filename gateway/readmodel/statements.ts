import type { Database } from 'bun:sqlite'
import type { StoredEvent } from '@pixelflow/core/event'
import type { IdlePlace, TaskQuery } from '@pixelflow/core/ports/task-index'
import { idleStatement, isActive, type IdleRow } from './idle.ts'
import { shiftBy, shiftOf, type Counting, type Shift } from './tallies.ts'

interface Row {
  readonly id: string
  readonly task: string
}

/** How far a log was folded, and what stood there. */
export interface Place {
  readonly log: string
  readonly position: number
  readonly proof: string
}

/** Everything the read model says to its database. */
export interface Statements {
  place(): Place
  /** Folds the newest event of each of some tasks in and moves the position, as one; says whose tallies that shifts. */
  write(events: readonly StoredEvent[], position: number, proof: string): Shift[]
  /** Newest first, one more than the limit, from the first that comes after `before`. */
  list(query: TaskQuery, before: string | undefined, changedSince: number): Row[]
  idle(before: number, after: IdlePlace | null, limit: number): IdleRow[]
  clear(log: string): void
  /** Drops some of the tasks that changed last before `changedBefore`; one shift for each. */
  prune(changedBefore: number): Shift[]
  /** What counts of all that there is. */
  tallies(): Shift[]
}

/** Above every id: a UUID begins with a hexadecimal digit. */
const beyondAllIds = 'g'
/** So many tasks go at most in one prune: it takes some milliseconds, in which nothing else is done. */
export const pruneAtOnce = 2000

export function statementsOf(db: Database): Statements {
  const place = db.query<Place, []>('SELECT log, position, proof FROM place')
  const move = db.query<undefined, [number, string]>('UPDATE place SET position = ?, proof = ?')
  const find = db.query<Counting, [string, string]>(
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
  const ofStatus = db.query<Row, [string, string, string, number, number]>(
    'SELECT id, task FROM tasks WHERE account = ? AND status = ? AND id < ? AND changed >= ? ORDER BY id DESC LIMIT ?',
  )
  const outdated = db.query<Counting & { account: string }, [number, number]>(
    `DELETE FROM tasks WHERE (account, id) IN (SELECT account, id FROM tasks WHERE changed < ? LIMIT ?)
     RETURNING account, status, lane`,
  )
  const active = db.query<Counting & { account: string; count: number }, []>(
    `SELECT account, status, lane, count(*) AS count FROM tasks INDEXED BY idle_tasks WHERE ${isActive}
     GROUP BY account, status, lane`,
  )

  const fold = ({ seq, storedAt, event }: StoredEvent): Shift | undefined => {
    const { account, id, status, lane } = event.task
    // It is the first that is ever heard of a task.
    const before = event.kind === 'queued' ? null : find.get(account, id)
    const isDeleted = event.kind === 'deleted'
    if (isDeleted) drop.run(account, id)
    else put.run(account, id, status, lane, seq, storedAt.getTime(), JSON.stringify(event.task))
    return shiftOf(account, before, isDeleted ? null : { status, lane })
  }
  const write = db.transaction((events: readonly StoredEvent[], position: number, proof: string) => {
    const shifts = events.map(fold)
    move.run(position, proof)
    return shifts.filter((one) => one !== undefined)
  })
  const clear = db.transaction((log: string) => {
    db.run('DELETE FROM tasks')
    db.run("UPDATE place SET log = ?, position = 0, proof = ''", [log])
  })

  return {
    place: () => place.get() ?? { log: '', position: 0, proof: '' },
    write: (events, position, proof) => write.immediate(events, position, proof),
    list({ account, status, limit }, before = beyondAllIds, changedSince) {
      return status === undefined
        ? all.all(account, before, changedSince, limit + 1)
        : ofStatus.all(account, status, before, changedSince, limit + 1)
    },
    idle: idleStatement(db),
    clear: (log) => clear.immediate(log),
    prune: (changedBefore) =>
      outdated.all(changedBefore, pruneAtOnce).map(({ account, ...task }) => shiftBy(account, task, -1)),
    tallies: () => active.all().map(({ account, count, ...task }) => shiftBy(account, task, count)),
  }
}
