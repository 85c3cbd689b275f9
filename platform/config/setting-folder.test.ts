import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InvalidSettings } from './read-settings.ts'
import { useSettingFolder } from './setting-folder.ts'

const variable = 'PIXELFLOW_TEST_DIR'
let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'pixelflow-setting-'))
})
afterEach(() => rmSync(home, { recursive: true }))

const modeOf = (path: string) => (statSync(path).mode & 0o7777).toString(8)

function problemOf(path: string) {
  try {
    useSettingFolder(variable, path)
  } catch (error) {
    if (error instanceof InvalidSettings) return error.problems[0]
    throw error
  }
  throw new Error(`${path} is accepted`)
}

describe('a folder that a setting names', () => {
  test('is created for its user only, with its parents', () => {
    const folder = join(home, 'a', 'b')
    useSettingFolder(variable, folder)
    expect([modeOf(folder), modeOf(join(home, 'a'))]).toEqual(['700', '700'])
    // A second process uses it too.
    useSettingFolder(variable, folder)
  })

  test.each([0o755, 0o710, 0o1777])('is refused unchanged when it exists with the mode %o', (mode) => {
    const folder = join(home, 'shared')
    mkdirSync(folder)
    chmodSync(folder, mode)
    expect(problemOf(folder)).toEqual({
      variable: `${variable}=${JSON.stringify(folder)}`,
      problem: 'can be entered or read by other users',
      remedy: `Give a folder of its own, such as ${folder}/pixelflow. It is created when it does not exist.`,
    })
    expect(modeOf(folder)).toBe(mode.toString(8))
    // The remedy works.
    useSettingFolder(variable, join(folder, 'pixelflow'))
  })

  test('is refused when it belongs to another user, without advice to remove it', () => {
    const isRoot = process.geteuid?.() === 0
    const other = isRoot ? join(home, 'other') : '/'
    if (isRoot) {
      mkdirSync(other, { mode: 0o700 })
      chownSync(other, 65_534, 65_534)
    }
    expect(problemOf(other)).toMatchObject({
      problem: expect.stringContaining('belongs to another user'),
      remedy: expect.stringContaining('Give a folder of its own'),
    })
  })

  test('is refused when it is a link, a file, or cannot be created or written', () => {
    mkdirSync(join(home, 'real'), { mode: 0o700 })
    symlinkSync(join(home, 'real'), join(home, 'link'))
    symlinkSync(join(home, 'missing'), join(home, 'dangling'))
    writeFileSync(join(home, 'file'), '')
    expect(problemOf(join(home, 'link'))).toMatchObject({ problem: 'is a symbolic link' })
    expect(problemOf(join(home, 'file'))).toMatchObject({ problem: 'is not a folder' })
    expect(problemOf(join(home, 'dangling'))).toMatchObject({ problem: 'is a symbolic link' })
    for (const path of ['/proc/x', join(home, 'file/below')]) {
      expect(problemOf(path)).toMatchObject({
        variable: `${variable}=${JSON.stringify(path)}`,
        problem: expect.stringContaining('cannot be created or written: E'),
      })
    }
  })
})
