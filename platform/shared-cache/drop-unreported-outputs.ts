import { onlyStage } from '@pixelflow/core/job'
import { outputNames } from '@pixelflow/core/recipe/recipe'
import { outputObject, type Task } from '@pixelflow/core/task'
import type { Blobs } from '@pixelflow/core/ports/blobs'
import type { SharedCache } from './shared-cache.ts'

export interface OutputStores {
  readonly results: Pick<Blobs, 'stat' | 'delete'>
  readonly sharedCache: Pick<SharedCache, 'remove'>
}

/**
 * Deletes the outputs of a task that an attempt may have stored without an event that names them, because the task ended
 * meanwhile. Never rejects: what cannot be deleted now expires.
 * @param kept names of outputs that stay
 */
export async function dropUnreportedOutputs(
  { results, sharedCache }: OutputStores,
  { account, id, recipe }: Task,
  kept: readonly string[],
): Promise<void> {
  const names = outputNames(recipe).filter((name) => !kept.includes(name))
  await Promise.allSettled(
    names.map(async (name) => {
      const object = outputObject(account, id, onlyStage, name)
      const info = await results.stat(object)
      if (info === null) return
      sharedCache.remove({ account, sha256: info.sha256 })
      await results.delete(object)
    }),
  )
}
