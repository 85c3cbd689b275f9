import { expect, test } from 'bun:test'
import { mkdtemp, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findMemoryFolder } from '@pixelflow/platform/memory-folder'
import { chooseSharedCacheDir } from './choose-shared-cache-dir.ts'

test('the folder is private, in memory where that is possible, and the same for each start', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'pixelflow-data-'))
  const memory = await findMemoryFolder()
  const path = await chooseSharedCacheDir(dataDir)
  try {
    expect(path.startsWith(`${memory ?? dataDir}/`)).toBe(true)
    expect(await chooseSharedCacheDir(dataDir)).toBe(path)
    expect(await chooseSharedCacheDir(`${dataDir}-other`)).not.toBe(path)
    if (memory !== undefined) expect((await stat(path)).mode & 0o777).toBe(0o700)
  } finally {
    await rm(path, { recursive: true, force: true })
    await rm(await chooseSharedCacheDir(`${dataDir}-other`), { recursive: true, force: true })
  }

  // Another user may have taken the name.
  await symlink(dataDir, path)
  try {
    expect(await chooseSharedCacheDir(dataDir)).toBe(join(dataDir, 'shared-cache'))
  } finally {
    await rm(path)
    await rm(dataDir, { recursive: true })
  }
})
