import type { Database } from 'bun:sqlite'
import type { StoredEvent } from '@pixelflow/core/event'
import { Fault } from '@pixelflow/core/fault'
import type { Clock } from '@pixelflow/core/ports/clock'
import type { IdleTasks, TaskIndex, TaskPage, TaskQuery } from '@pixelflow/core/ports/task-index'
import { viewTask } from '@pixelflow/core/views'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import type { TaskCounter } from '../limits/task-quota.ts'
import { cursorAfter, idOfCursor } from './cursor.ts'
import { isDamaged, moveAside, openDatabaseFile } from './database-file.ts'
import { checkpointHash } from './checkpoint-hash.ts'
import { pruneLimit, prepareStatements } from './statements.ts'
import { createAccountTaskCounts } from './account-task-counts.ts'

const maxBatch = 500
/** Readers flush, so that only the file is behind for so long. */
const maxWaitMs = 250
const pruneEveryMs = 60_000
/** While more tasks are outdated than one prune deletes. */
const pruneMoreEveryMs = 1000

export interface ReadModel extends TaskIndex, IdleTasks, TaskCounter, Disposable {
  /** The identity of the log that it was built from; empty before the first. */
  readonly logId: string
  /** `checkpointHash` of the event at the sequence; empty at the beginning. */
  readonly checkpointHash: string
  /** Deletes all tasks, to be rebuilt from the start of a log. */
  restart(logId: string): void
}

export interface ReadModelOptions {
  readonly path: string
  /** The clock of the event log. */
  readonly clock: Clock
  /** Tasks whose last change is older have expired from the log and are not listed. */
  readonly retentionMs: number
  readonly log: Logger
  /** Called when the sequence has decreased, so that the follower continues from there. */
  readonly onRewound: () => void
}

/**
 * The task list in SQLite. Events are written in batches of one transaction, together with the sequence they reach, so
 * the file always equals the log up to its sequence. When a write fails, the read model continues from what the file
 * contains.
 */
export function openReadModel({ path, clock, retentionMs, log, onRewound }: ReadModelOptions): ReadModel {
  let db: Database = openDatabaseFile(path, log)
  let statements = prepareStatements(db)
  let logId = ''
  let sequence = 0
  let hash = ''
  let countedTo = 0
  const counts = createAccountTaskCounts()
  // The newest snapshot of each task that is not written yet.
  const pending = new Map<string, StoredEvent>()
  let timer: ReturnType<typeof setTimeout> | undefined
  /** By the monotonic clock. */
  let pruneAt = 0

  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    if (pending.size === 0) return
    counts.apply(orRewind(() => statements.write([...pending.values()], sequence, hash)))
    countedTo = sequence
    pending.clear()
    const now = performance.now()
    if (now < pruneAt) return
    pruneAt = now + pruneEveryMs
    const pruned = orRewind(() => statements.prune(clock.now() - retentionMs))
    counts.apply(pruned)
    if (pruned.length >= pruneLimit) pruneAt = now + pruneMoreEveryMs
  }

  const orRewind = <T>(act: () => T): T => {
    try {
      return act()
    } catch (error) {
      rewind(error)
      throw new Fault('unavailable', 'The task list is being rebuilt.', {
        remedy: 'Try again in a moment.',
        retryAfterMs: 1000,
        cause: error,
      })
    }
  }

  const rewind = (error: unknown) => {
    pending.clear()
    if (isDamaged(error)) replace(error)
    else log.error('task list write failed', { path, error })
    load()
    onRewound()
  }

  const replace = (error: unknown) => {
    db.close()
    moveAside(path, log, error)
    db = openDatabaseFile(path, log)
    statements = prepareStatements(db)
  }

  /** Loads the state from the file. */
  const load = () => {
    try {
      counts.reset(statements.taskCounts())
    } catch (error) {
      // Opening has read only a part of the file.
      if (!isDamaged(error)) throw error
      replace(error)
      counts.reset([])
    }
    ;({ logId, sequence, hash } = statements.checkpoint())
    countedTo = sequence
  }

  const flushLater = () => {
    timer ??= setTimeout(() => {
      try {
        flush()
      } catch {
        // `onRewound` was called; the follower continues from the sequence of the file.
      }
    }, maxWaitMs)
  }

  load()

  return {
    get logId() {
      return logId
    },
    get sequence() {
      return sequence
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
        if (one.seq <= sequence) continue
        sequence = one.seq
        hash = checkpointHash(one)
        pending.set(keyOf(one.event.task.account, one.event.task.id), one)
      }
      if (pending.size >= maxBatch) flush()
      else if (pending.size > 0) flushLater()
    },
    list: (query) =>
      new Promise<TaskPage>((resolve) => {
        const before = query.cursor === undefined ? undefined : idOfCursor(query.cursor)
        flush()
        resolve(orRewind(() => pageOf(statements.list(query, before, clock.now() - retentionMs), query)))
      }),
    find(account, task) {
      const newest = pending.get(keyOf(account, task))
      if (newest !== undefined) {
        const { seq, event } = newest
        return event.kind === 'deleted' ? undefined : { seq, json: JSON.stringify(viewTask(event.task)) }
      }
      return orRewind(() => {
        const found = statements.find(account, task, clock.now() - retentionMs)
        if (found === null) return undefined
        requireObject(found.json)
        return found
      })
    },
    idle(before, limit, after) {
      flush()
      return orRewind(() => {
        const rows = statements.idle(before.getTime(), after, limit)
        const last = rows.at(-1)
        const end = last ? { changed: last.changed, account: last.account, task: last.id } : null
        return { items: rows, end, next: rows.length === limit ? end : null }
      })
    },
    restart(next) {
      pending.clear()
      orRewind(() => statements.clear(next))
      logId = next
      sequence = 0
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

function keyOf(account: string, task: string): string {
  return `${account}/${task}`
}

/**
 * The JSON of a row, which this program wrote from a valid event. It is sent without being parsed, so it is checked for what a
 * damaged file may contain that SQLite does not detect. @throws SyntaxError.
 */
function requireObject(json: string): string {
  if (json.startsWith('{') && json.endsWith('}')) return json
  throw new SyntaxError('A row of the task list is not a JSON object.')
}

/** An extra row shows that there is another page. */
function pageOf(rows: readonly { id: string; task: string }[], { limit }: TaskQuery): TaskPage {
  const pageRows = rows.slice(0, limit)
  const last = pageRows.at(-1)
  return {
    items: pageRows.map(({ task }) => requireObject(task)),
    next: rows.length > limit && last ? cursorAfter(last.id) : null,
  }
}
