import { expect, test } from 'bun:test'
import { realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { findGo } from '@pixelflow/cli/tools/go'
import { runProgram } from './run-program.ts'
import { root } from './scenario-table.ts'

const folder = join(root, 'clients/go')

/** Runs a Go tool on the Go client; returns its output, or the error when it fails. */
async function runInClient(...command: string[]): Promise<string> {
  const { code, out, errors } = await runProgram(command, { cwd: folder })
  return code === 0 ? out : `${command.join(' ')} exited with ${code}:\n${out}${errors}`
}

test('the Go client is formatted by gofmt, and go vet reports nothing', async () => {
  const go = findGo(process.env['PATH'])
  if (go === null) throw new Error('Go is not on PATH.')
  const gofmt = join(dirname(await realpath(go)), 'gofmt')
  expect(await runInClient(gofmt, '-l', '.')).toBe('')
  expect(await runInClient(go, 'vet', './...')).toBe('')
  // With a cold cache, go vet compiles every dependency first.
}, 280_000)
