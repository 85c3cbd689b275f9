import { expect, test } from 'bun:test'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseRecipe } from '@pixelflow/core/recipe/recipe'
import { createByteBudget } from '@pixelflow/core/byte-budget'
import { sampleImage } from '@pixelflow/testkit/images'
import { createWorkerLauncher } from '../../sandbox/worker-launcher.ts'
import { openSandbox } from '../../sandbox/sandbox.ts'
import { createSandboxOptions } from '../../sandbox/sandbox-options.ts'
import { catchFault } from '@pixelflow/testkit/catch-fault'
import { noHooks } from '../../testing/no-hooks.ts'
import { maxMessageFileBytes, type TransformInput } from './transform-input.ts'

const MiB = 2 ** 20
const never = new AbortController().signal

test('a result beyond the file size limit is a fault of the recipe, not of a full disk', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pixelflow-file-limit-'))
  try {
    const source = { path: join(folder, 'source') }
    await Bun.write(source.path, await sampleImage({ width: 1000, height: 750, noise: 60 }))
    const settings = {
      taskTimeoutMs: 30_000,
      maxCpuMs: 30_000,
      maxRssBytes: 512 * MiB,
      workerMemoryBytes: 2 ** 40,
      maxPixels: 1e8,
    }
    const command = [process.execPath, join(import.meta.dir, '../../sandbox/worker-entry.ts')]
    const launcher = createWorkerLauncher(command, { maxFileBytes: maxMessageFileBytes, maxOpenFiles: 256 })
    await using sandbox = openSandbox({
      ...createSandboxOptions(settings, launcher, folder, noHooks),
      memory: createByteBudget(2 ** 40),
      workers: 1,
    })
    for (const type of ['png', 'jpeg:quality=100', 'webp:quality=100', 'avif:quality=100:effort=0']) {
      for (const inStages of [true, false]) {
        const input: TransformInput = {
          source,
          format: 'jpeg',
          recipe: parseRecipe(`flip/format:${type}`),
          outputs: ['default'],
          folder,
          shortStageMs: inStages ? 0 : null,
          maxPixels: 1e8,
        }
        const work = sandbox.run({
          kind: 'transform',
          account: 'ann',
          input,
          signal: never,
          onNote: () => {},
        })
        expect([type, inStages, (await catchFault(work)).code]).toEqual([
          type,
          inStages,
          'resource_limit_exceeded',
        ])
      }
    }
    expect(
      (await readdir(folder)).filter((name) => !name.endsWith('.part') && name.startsWith('output')),
    ).toEqual([])
  } finally {
    await rm(folder, { recursive: true })
  }
}, 60_000)
