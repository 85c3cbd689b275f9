import { expect, test } from 'bun:test'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger } from '@pixelflow/platform/telemetry/logger'
import { openDatabaseFile } from './database-file.ts'

test('the task list is readable by its owner only, even in a folder that existed before', () => {
  const home = mkdtempSync(join(tmpdir(), 'pixelflow-file-'))
  chmodSync(home, 0o755)
  const folder = join(home, 'gateway')
  mkdirSync(folder)
  const path = join(folder, 'tasks.sqlite')
  for (const suffix of ['-wal', '.damaged']) writeFileSync(path + suffix, '')
  for (const suffix of ['-wal', '.damaged', '/..'])
    chmodSync(suffix === '/..' ? folder : path + suffix, 0o755)

  const db = openDatabaseFile(path, createLogger({ service: 'test', write: () => {} }))
  db.run("UPDATE checkpoint SET log = 'x'")
  const modes = readdirSync(folder).map((name) => [
    name,
    (statSync(join(folder, name)).mode & 0o777).toString(8),
  ])
  expect(Object.fromEntries(modes)).toEqual({
    'tasks.sqlite': '600',
    'tasks.sqlite-wal': '600',
    'tasks.sqlite.damaged': '600',
  })
  expect((statSync(folder).mode & 0o777).toString(8)).toBe('700')
  db.close()
  rmSync(home, { recursive: true })
})
