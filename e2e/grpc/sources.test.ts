import { expect, test } from 'bun:test'
import { realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { findGo } from '@pixelflow/cli/tools/go'
import { root } from './document.ts'

const folder = join(root, 'clients/go')

/** Runs a program of Go's own on the Go client; all that it has written. */
async function inClient(...command: string[]): Promise<string> {
  const child = Bun.spawn(command, { cwd: folder, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' })
  const [code, out, errors] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()])
  return code === 0 ? out : `${command.join(' ')} ended with ${code}:\n${out}${errors}`
}

test('the Go client is written as gofmt writes, and go vet finds nothing', async () => {
  const go = findGo(process.env['PATH'])
  if (go === null) throw new Error('Go is not on PATH.')
  const gofmt = join(dirname(await realpath(go)), 'gofmt')
  expect(await inClient(gofmt, '-l', '.')).toBe('')
  expect(await inClient(go, 'vet', './...')).toBe('')
}, 120_000)
