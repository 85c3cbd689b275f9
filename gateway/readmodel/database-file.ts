import { Database, SQLiteError } from 'bun:sqlite'
import { existsSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { makePrivateFile, makePrivateFolder } from '@pixelflow/platform/config/private-folder'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { activeTaskCondition } from './prepare-idle-tasks.ts'

/** Increase it when the tables change: a file of another version is rebuilt from the event log. */
const schemaVersion = 6

/** Suffixes of the files that SQLite keeps beside a database. */
const sidecarSuffixes = ['-wal', '-shm']

/**
 * Opens the database of the read model. A missing file or one of another version is created, a damaged one is moved
 * aside first. When another process holds the file, a temporary database replaces it: two gateways may share a data
 * folder by mistake, or for a moment during a restart.
 */
export function openDatabaseFile(path: string, log: Logger): Database {
  makePrivateFolder(dirname(path))
  for (const suffix of ['', ...sidecarSuffixes, '.damaged']) makePrivateFile(path + suffix)
  try {
    return prepare(createDatabase(path), path, log)
  } catch (error) {
    if (isLocked(error)) {
      log.warn('task list locked by another process', {
        path,
        remedy: 'Give each gateway its own PIXELFLOW_DATA_DIR.',
      })
      return prepare(new Database(''), '', log)
    }
    if (!isDamaged(error)) throw error
    moveAside(path, log, error)
    return prepare(createDatabase(path), path, log)
  }
}

/** SQLite gives its sidecar files the mode of the database file. */
function createDatabase(path: string): Database {
  const db = new Database(path, { create: true })
  makePrivateFile(path)
  return db
}

/** Whether the file itself is damaged, so that a new one would work. */
export function isDamaged(error: unknown): boolean {
  // A row that is not JSON is damage that SQLite does not detect.
  if (error instanceof SyntaxError) return true
  return /^SQLITE_(CORRUPT|NOTADB|FORMAT|IOERR_SHORT_READ|SCHEMA|CANTOPEN_ISDIR)/.test(codeOf(error))
}

function isLocked(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error))
}

function codeOf(error: unknown): string {
  return error instanceof SQLiteError ? (error.code ?? '') : ''
}

/** Keeps at most one damaged file, for analysis. */
export function moveAside(path: string, log: Logger, error: unknown): void {
  log.error('task list damaged; rebuilding it', { path, kept: `${path}.damaged`, error })
  for (const suffix of sidecarSuffixes) rmSync(path + suffix, { force: true })
  rmSync(`${path}.damaged`, { force: true, recursive: true })
  if (existsSync(path)) renameSync(path, `${path}.damaged`)
}

function prepare(db: Database, path: string, log: Logger): Database {
  try {
    // No other process uses the file, and an exclusive lock needs no shared-memory file.
    db.run('PRAGMA locking_mode = EXCLUSIVE')
    db.run('PRAGMA busy_timeout = 2000')
    db.run('PRAGMA journal_mode = WAL')
    db.run('PRAGMA synchronous = NORMAL')
    db.run('PRAGMA cache_size = -16000')
    db.transaction(() => {
      const found = db.query<{ user_version: number }, []>('PRAGMA user_version').get()?.user_version
      if (found === schemaVersion) return
      if (found !== 0) log.info('task list has another version; rebuilding it', { path, found })
      dropAll(db)
      createTables(db)
    }).exclusive()
    // Opening reads little more than the header; a query detects damaged tables too.
    db.query('SELECT log, position, hash FROM checkpoint').get()
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Another version may use other names. */
function dropAll(db: Database): void {
  const entries = db.query<{ type: string; name: string }, []>(
    "SELECT type, name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite!_%' ESCAPE '!'",
  )
  for (const { type, name } of entries.all()) db.run(`DROP ${type} "${name.replaceAll('"', '""')}"`)
}

function createTables(db: Database): void {
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
  // Few tasks are active at one time, so this index is small.
  db.run(`CREATE INDEX idle_tasks ON tasks (changed) WHERE ${activeTaskCondition}`)
  db.run('CREATE TABLE checkpoint (log TEXT NOT NULL, position INTEGER NOT NULL, hash TEXT NOT NULL) STRICT')
  db.run("INSERT INTO checkpoint VALUES ('', 0, '')")
  db.run(`PRAGMA user_version = ${schemaVersion}`)
}
