import { afterEach, beforeEach, expect, test } from 'bun:test'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makePrivateFile, makePrivateFolder, UnsafePath } from './private-folder.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'pixelflow-private-'))
})
afterEach(() => rmSync(home, { recursive: true }))

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

test('a folder and a file become private to their owner', () => {
  const folder = join(home, 'a', 'b')
  makePrivateFolder(folder)
  expect([modeOf(folder), modeOf(join(home, 'a'))]).toEqual(['700', '700'])
  const file = join(folder, 'file')
  makePrivateFile(file)
  writeFileSync(file, '')
  chmodSync(file, 0o644)
  chmodSync(folder, 0o755)
  makePrivateFolder(folder)
  makePrivateFile(file)
  expect([modeOf(folder), modeOf(file)]).toEqual(['700', '600'])
})

test('a path of another user, or a symbolic link, is rejected with a remedy', () => {
  const link = join(home, 'link')
  mkdirSync(join(home, 'real'))
  symlinkSync(join(home, 'real'), link)
  expect(() => makePrivateFolder(link)).toThrow('is a symbolic link. Replace it with its target.')
  // The root folder of the system has another owner, unless we are that owner.
  const isRoot = process.geteuid?.() === 0
  const other = isRoot ? join(home, 'other') : '/'
  if (isRoot) {
    mkdirSync(other)
    Bun.spawnSync(['chown', '65534', other])
  }
  expect(() => makePrivateFolder(other)).toThrow(UnsafePath)
  expect(() => makePrivateFolder(other)).toThrow(`chown -R ${process.geteuid?.()} ${other}`)
})
