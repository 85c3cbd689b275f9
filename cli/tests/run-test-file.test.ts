import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readJunitReport } from './junit-report.ts'
import { runTestFile } from './run-test-file.ts'
import { selectTests, findTests, type Suite } from './suites.ts'

/** Runs test files that pass, fail, crash, hang or leave processes behind. */

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'pixelflow-run-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

const suite: Suite = { name: 'core', fileTimeoutS: 20 }

async function run(name: string, body: string, fileTimeoutS = suite.fileTimeoutS) {
  const path = `core/${name}.test.ts`
  await Bun.write(join(root, path), `import { expect, test } from 'bun:test'\n${body}\n`)
  const signal = AbortSignal.timeout(30_000)
  return runTestFile({ path, suite: { ...suite, fileTimeoutS } }, { root, env: process.env, signal })
}

describe('a test file', () => {
  test('is counted test by test', async () => {
    const result = await run('good', `for (const n of [1, 2, 3]) test('n' + n, () => expect(n).toBe(n))`)
    expect(result).toMatchObject({ passed: 3, failed: 0 })
    expect(result.problem).toBeUndefined()
  })

  test('with failures has its output in the result', async () => {
    const result = await run('bad', `test('a', () => {}); test('b', () => expect(1).toBe(2))`)
    expect(result).toMatchObject({ passed: 1, failed: 1 })
    expect(result.output).toContain('Expected: 2')
  })

  test('that skips a test counts one failure', async () => {
    const skip = 'sk' + 'ip'
    expect(await run('skips', `test('a', () => {}); test.${skip}('b', () => {})`)).toMatchObject({
      passed: 1,
      failed: 1,
    })
  })

  test('that is killed counts one failure', async () => {
    const result = await run('killed', `test('a', () => { process.kill(process.pid, 'SIGKILL') })`)
    expect(result).toMatchObject({ passed: 0, failed: 1, problem: 'was killed by SIGKILL' })
  })

  test('that cannot be loaded counts one failure', async () => {
    expect(await run('broken', `import './missing.ts'; test('a', () => {})`)).toMatchObject({
      passed: 0,
      failed: 1,
    })
  })

  test('without a test counts one failure', async () => {
    expect(await run('empty', '')).toMatchObject({ passed: 0, failed: 1 })
  })

  test('that hangs is killed with its descendants', async () => {
    const result = await run(
      'hangs',
      `test('a', async () => {
         const child = Bun.spawn(['sleep', '60'])
         await Bun.write('${root}/child', String(child.pid))
         await Bun.sleep(60_000)
       }, 60_000)`,
      2,
    )
    expect(result).toMatchObject({ failed: 1, problem: 'took longer than 2 s' })
    const pid = Number(await Bun.file(join(root, 'child')).text())
    const state = await Bun.file(`/proc/${pid}/status`)
      .text()
      .catch(() => 'gone')
    expect(state).toMatch(/gone|State:\tZ/)
  })
})

describe('finding tests', () => {
  test('finds every package in order, top-level files as the suite root, and suites that run alone at the end', async () => {
    const checkout = join(root, 'checkout')
    for (const path of [
      'e2e/a.test.ts',
      'core/b.test.ts',
      'core/a/x.test.tsx',
      'top.test.ts',
      'other/o.test.ts',
    ]) {
      await Bun.write(join(checkout, path), '')
    }
    for (const path of [
      'core/node_modules/m/a.test.ts',
      'core/a.ts',
      '.cache/a.test.ts',
      'ui/dist/a.test.ts',
    ]) {
      await Bun.write(join(checkout, path), '')
    }
    const files = await findTests(checkout)
    expect(files.map(({ path, suite: { name } }) => `${name}: ${path}`)).toEqual([
      'core: core/a/x.test.tsx',
      'core: core/b.test.ts',
      'root: top.test.ts',
      'other: other/o.test.ts',
      'e2e: e2e/a.test.ts',
    ])
    const paths = (...selection: string[]) => selectTests(files, selection).map(({ path }) => path)
    expect(paths('core')).toEqual(['core/a/x.test.tsx', 'core/b.test.ts'])
    expect(paths('./core/a/', 'root')).toEqual(['core/a/x.test.tsx', 'top.test.ts'])
    expect(paths('cor')).toEqual([])
  })
})

test('reads the totals of a report; anything else is null', () => {
  const totals = '<testsuites name="bun test" tests="9" assertions="4" failures="2" skipped="1" time="0.1">'
  expect(readJunitReport(`<?xml version="1.0"?>${totals}</testsuites>`)).toEqual({ passed: 6, failed: 3 })
  expect(readJunitReport('')).toBeNull()
  expect(readJunitReport('<testsuites name="x">')).toBeNull()
})
