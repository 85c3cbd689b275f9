import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { readConfig } from '@pixelflow/cli/config'
import { buildGoTool } from '@pixelflow/cli/tools/go'
import { startStack } from '@pixelflow/testkit/stack'

const { root, cacheDir, env } = readConfig()
const k6 = await buildGoTool('k6', {
  root,
  cacheDir,
  path: env['PATH'],
  say: (text) => process.stderr.write(`${text}\n`),
})

/** Runs the script as `./pixelflow loadtest smoke` does; `flags` shorten it. */
async function smoke(baseUrl: string, token: string, flags: readonly string[] = []) {
  const child = Bun.spawn([k6, 'run', '--quiet', ...flags, join(import.meta.dir, 'smoke.ts')], {
    env: { ...process.env, BASE_URL: baseUrl, TOKEN: token, K6_NO_USAGE_REPORT: 'true' },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [code, out, err] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()])
  return { code, text: `${out}${err}` }
}

test('passes within 15 s at a working server, and fails on any error', async () => {
  await using stack = await startStack({ env: { PIXELFLOW_API_TOKENS: 'alice:sesame' } })
  const [gateway] = await Promise.all([stack.gateway(), stack.actor()])

  const startedAt = performance.now()
  const good = await smoke(gateway.url, 'sesame')
  expect(good.code, good.text).toBe(0)
  expect(performance.now() - startedAt).toBeLessThan(15_000)
  expect(good.text).toContain('the last event is completed')

  const refused = await smoke(gateway.url, 'wrong', ['--iterations', '1'])
  expect(refused.code, refused.text).not.toBe(0)
}, 60_000)
