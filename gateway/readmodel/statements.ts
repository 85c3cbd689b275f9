import type { Database } from 'bun:sqlite'
import type { StoredEvent } from '@pixelflow/core/event'
import type { IdlePlace, TaskQuery } from '@pixelflow/core/ports/task-index'
import { idleStatement, type IdleRow } from './idle.ts'

interface Row {
  readonly id: string
  readonly task: string
}

/** Everything the read model says to its database. */
export interface Statements {
  place(): { log: string; position: number }
  /** Folds the newest event of each of some tasks in and moves the position, as one. */
  write(events: readonly StoredEvent[], position: number): void
  /** Newest first, one more than the limit, from the first that comes after `before`. */
  list(query: TaskQuery, before: string | undefined, changedSince: number): Row[]
  idle(before: number, after: IdlePlace | null, limit: number): IdleRow[]
  clear(log: string): void
  /** Drops some of the tasks that changed last before `changedBefore`. */
  prune(changedBefore: number): void
}

/** Above every id: a UUID begins with a hexadecimal digit. */
const beyondAllIds = 'g'
const pruneAtOnce = 2000

export function statementsOf(db: Database): Statements {
  const place = db.query<{ log: string; position: number }, []>('SELECT log, position FROM place')
  const move = db.query<undefined, [number]>('UPDATE place SET position = ?')
  const put = db.query<undefined, [string, string, string, number, number, string]>(
    `INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?)
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
  const outdated = db.query<undefined, [number, number]>(
    'DELETE FROM tasks WHERE (account, id) IN (SELECT account, id FROM tasks WHERE changed < ? LIMIT ?)',
  )

  const fold = ({ seq, event }: StoredEvent) => {
    const { account, id, status } = event.task
    if (event.kind === 'deleted') drop.run(account, id)
    else put.run(account, id, status, seq, Date.parse(event.at), JSON.stringify(event.task))
  }
  const write = db.transaction((events: readonly StoredEvent[], position: number) => {
    for (const one of events) fold(one)
    move.run(position)
  })
  const clear = db.transaction((log: string) => {
    db.run('DELETE FROM tasks')
    db.run('UPDATE place SET log = ?, position = 0', [log])
  })

  return {
    place: () => place.get() ?? { log: '', position: 0 },
    write: (events, position) => write.immediate(events, position),
    list({ account, status, limit }, before = beyondAllIds, changedSince) {
      return status === undefined
        ? all.all(account, before, changedSince, limit + 1)
        : ofStatus.all(account, status, before, changedSince, limit + 1)
    },
    idle: idleStatement(db),
    clear: (log) => clear.immediate(log),
    prune: (changedBefore) => outdated.run(changedBefore, pruneAtOnce),
  }
}
