import type { Database } from 'bun:sqlite'
import type { StoredEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import type { Clock } from '@pixelflow/core/ports/clock'
import type { IdleTasks, TaskIndex, TaskPage, TaskQuery } from '@pixelflow/core/ports/task-index'
import type { Task } from '@pixelflow/core/task'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import type { TaskCounter } from '../limits/task-quota.ts'
import { cursorAfter, idOfCursor } from './cursor.ts'
import { isDamaged, moveAside, openFile } from './database-file.ts'
import { checkpointHash } from './checkpoint-hash.ts'
import { pruneAtOnce, statementsOf } from './statements.ts'
import { createAccountTaskCounts } from './task-counts.ts'

const largestBatch = 500
const longestWaitMs = 25
const pruneEveryMs = 60_000
/** While there is more than goes at once. */
const pruneMoreEveryMs = 1000

export interface ReadModel extends TaskIndex, IdleTasks, TaskCounter, Disposable {
  /** Which log it was folded from; empty while from none. */
  readonly log: string
  /** What the event at the position was (see `checkpointHash`); empty at the beginning. */
  readonly checkpointHash: string
  /** Forgets everything, to be folded from that log from its beginning. */
  restart(log: string): void
}

export interface ReadModelOptions {
  readonly path: string
  /** That of the event log. */
  readonly clock: Clock
  /** A task whose last change is older has left the log and is not listed any more. */
  readonly retentionMs: number
  readonly log: Logger
  /** Told when the position has gone back, so that whoever follows the log goes back too. */
  readonly onRewound: () => void
}

/**
 * The task list in SQLite. Events are taken at once and written in batches of one transaction each, together with the
 * position they reach: a file is always exactly the log up to its position. Any failure to write goes back to what the
 * file holds.
 */
export function openReadModel({ path, clock, retentionMs, log, onRewound }: ReadModelOptions): ReadModel {
  let db: Database = openFile(path, log)
  let statements = statementsOf(db)
  let folded = ''
  let position = 0
  let hash = ''
  let countedTo = 0
  const counts = createAccountTaskCounts()
  // Only the newest snapshot of a task counts, so only that is kept until it is written.
  const pending = new Map<string, StoredEvent>()
  let timer: ReturnType<typeof setTimeout> | undefined
  /** Monotonic. */
  let pruneAt = 0

  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    if (pending.size === 0) return
    counts.shift(attempt(() => statements.write([...pending.values()], position, hash)))
    countedTo = position
    pending.clear()
    const now = performance.now()
    if (now < pruneAt) return
    pruneAt = now + pruneEveryMs
    const gone = attempt(() => statements.prune(clock.now() - retentionMs))
    counts.shift(gone)
    if (gone.length >= pruneAtOnce) pruneAt = now + pruneMoreEveryMs
  }

  const attempt = <T>(act: () => T): T => {
    try {
      return act()
    } catch (error) {
      rewind(error)
      throw new Fault('unavailable', 'The task list is being made anew.', {
        retryAfterMs: 1000,
        cause: error,
      })
    }
  }

  const rewind = (error: unknown) => {
    pending.clear()
    if (isDamaged(error)) replace(error)
    else log.error('task list could not be written', { path, error })
    begin()
    onRewound()
  }

  const replace = (error: unknown) => {
    db.close()
    moveAside(path, log, error)
    db = openFile(path, log)
    statements = statementsOf(db)
  }

  /** Goes on from what the file holds. */
  const begin = () => {
    try {
      counts.reset(statements.taskCounts())
    } catch (error) {
      // Opening it has touched little of it.
      if (!isDamaged(error)) throw error
      replace(error)
      counts.reset([])
    }
    ;({ log: folded, position, hash } = statements.checkpoint())
    countedTo = position
  }

  const flushLater = () => {
    timer ??= setTimeout(() => {
      try {
        flush()
      } catch {
        // Told already; the follower begins again from the position that the file holds.
      }
    }, longestWaitMs)
  }

  begin()

  return {
    get log() {
      return folded
    },
    get position() {
      return position
    },
    get checkpointHash() {
      return hash
    },
    countsOf: counts.of,
    get countedTo() {
      return countedTo
    },
    apply(events) {
      for (const one of events) {
        if (one.seq <= position) continue
        position = one.seq
        hash = checkpointHash(one)
        pending.set(`${one.event.task.account}/${one.event.task.id}`, one)
      }
      if (pending.size >= largestBatch) flush()
      else if (pending.size > 0) flushLater()
    },
    list: (query) =>
      new Promise<TaskPage>((resolve) => {
        const before = query.cursor === undefined ? undefined : idOfCursor(query.cursor)
        flush()
        resolve(attempt(() => pageOf(statements.list(query, before, clock.now() - retentionMs), query)))
      }),
    idle(before, limit, after) {
      flush()
      return attempt(() => {
        const rows = statements.idle(before.getTime(), after, limit)
        const last = rows.at(-1)
        return {
          items: rows.map((row) => JSON.parse(row.task) as Task),
          next: last && rows.length === limit ? { ...last, task: last.id } : null,
        }
      })
    },
    restart(next) {
      pending.clear()
      attempt(() => statements.clear(next))
      folded = next
      position = 0
      hash = ''
      counts.reset([])
      countedTo = 0
    },
    [Symbol.dispose]() {
      try {
        flush()
      } finally {
        db.close()
      }
    },
  }
}

/** One row more than asked for says that there is another page. */
function pageOf(rows: readonly { id: string; task: string }[], { limit }: TaskQuery): TaskPage {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return {
    // Written from a validated event by this very program.
    items: shown.map((row) => JSON.parse(row.task) as Task),
    next: rows.length > limit && last ? cursorAfter(last.id) : null,
  }
}
