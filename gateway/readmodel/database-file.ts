import { Database, SQLiteError } from 'bun:sqlite'
import { existsSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { makePrivateFile, makePrivateFolder } from '@pixelflow/platform/config/private-folder'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { isActive } from './idle-tasks.ts'

/** Bump it when the tables change: an older file is thrown away and folded again from the log. */
const schemaVersion = 5

/** Endings of the files that SQLite keeps beside a database. */
const companions = ['-wal', '-shm']

/**
 * Opens the file of the read model, made anew when it is missing, of another version or damaged; a damaged one is
 * moved aside first. When another process holds it, a private temporary one takes its place: two gateways may share a
 * data folder by mistake, or for the moment in which one follows the other.
 */
export function openFile(path: string, log: Logger): Database {
  makePrivateFolder(dirname(path))
  for (const ending of ['', ...companions, '.damaged']) makePrivateFile(path + ending)
  try {
    return prepared(openDatabase(path), path, log)
  } catch (error) {
    if (isLocked(error)) {
      log.warn('task list is held by another process', {
        path,
        remedy: 'Give each gateway its own PIXELFLOW_DATA_DIR.',
      })
      return prepared(new Database(''), '', log)
    }
    if (!isDamaged(error)) throw error
    moveAside(path, log, error)
    return prepared(openDatabase(path), path, log)
  }
}

/** SQLite gives its companions the mode of the file itself. */
function openDatabase(path: string): Database {
  const db = new Database(path, { create: true })
  makePrivateFile(path)
  return db
}

/** True when the file itself is at fault, so that another one would work. */
export function isDamaged(error: unknown): boolean {
  // A row that is no JSON has gone bad where SQLite does not look.
  if (error instanceof SyntaxError) return true
  return /^SQLITE_(CORRUPT|NOTADB|FORMAT|IOERR_SHORT_READ|SCHEMA|CANTOPEN_ISDIR)/.test(codeOf(error))
}

function isLocked(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error))
}

function codeOf(error: unknown): string {
  return error instanceof SQLiteError ? (error.code ?? '') : ''
}

/** Keeps one damaged file for whoever wants to look at it, never more. */
export function moveAside(path: string, log: Logger, error: unknown): void {
  log.error('task list is damaged and will be made anew', { path, kept: `${path}.damaged`, error })
  for (const ending of companions) rmSync(path + ending, { force: true })
  rmSync(`${path}.damaged`, { force: true, recursive: true })
  if (existsSync(path)) renameSync(path, `${path}.damaged`)
}

function prepared(db: Database, path: string, log: Logger): Database {
  try {
    // Held for as long as we run: nobody else has any business in it, and it saves the shared-memory file.
    db.run('PRAGMA locking_mode = EXCLUSIVE')
    db.run('PRAGMA busy_timeout = 2000')
    db.run('PRAGMA journal_mode = WAL')
    db.run('PRAGMA synchronous = NORMAL')
    db.run('PRAGMA cache_size = -16000')
    db.transaction(() => {
      const found = db.query<{ user_version: number }, []>('PRAGMA user_version').get()?.user_version
      if (found === schemaVersion) return
      if (found !== 0) log.info('task list is of another version and will be made anew', { path, found })
      empty(db)
      create(db)
    }).exclusive()
    // Opening reads hardly more than the header; this touches the tables as well.
    db.query('SELECT log, position, hash FROM checkpoint').get()
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Whatever another version has called its things. */
function empty(db: Database): void {
  const things = db.query<{ type: string; name: string }, []>(
    "SELECT type, name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite!_%' ESCAPE '!'",
  )
  for (const { type, name } of things.all()) db.run(`DROP ${type} "${name.replaceAll('"', '""')}"`)
}

function create(db: Database): void {
  db.run(`CREATE TABLE tasks (
    account TEXT NOT NULL,
    id TEXT NOT NULL,
    status TEXT NOT NULL,
    lane TEXT NOT NULL,
    seq INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    task TEXT NOT NULL,
    PRIMARY KEY (account, id)
  ) STRICT, WITHOUT ROWID`)
  db.run('CREATE INDEX tasks_by_status ON tasks (account, status, id)')
  db.run('CREATE INDEX tasks_by_change ON tasks (changed)')
  // Few at any time, so this is small.
  db.run(`CREATE INDEX idle_tasks ON tasks (changed) WHERE ${isActive}`)
  db.run('CREATE TABLE checkpoint (log TEXT NOT NULL, position INTEGER NOT NULL, hash TEXT NOT NULL) STRICT')
  db.run("INSERT INTO checkpoint VALUES ('', 0, '')")
  db.run(`PRAGMA user_version = ${schemaVersion}`)
}
