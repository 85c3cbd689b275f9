import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A small file system that can be filled up. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string
  /** Uses all free space. */
  fill(): Promise<void>
  /** Frees the space. */
  empty(): Promise<void>
}

/**
 * Mounts a tmpfs, which requires root. Dispose its users first.
 * @throws Error when it cannot be mounted, because the test would prove nothing.
 */
export async function mountSmallDisk(bytes: number): Promise<SmallDisk> {
  const path = await mkdtemp(join(tmpdir(), 'pixelflow-disk-'))
  await run(['mount', '-t', 'tmpfs', '-o', `size=${bytes},mode=700`, 'tmpfs', path])
  const ballast = join(path, 'ballast')
  return {
    path,
    async fill() {
      const file = await open(ballast, 'a')
      try {
        const block = new Uint8Array(4096)
        for (;;) await file.appendFile(block)
      } catch (thrown) {
        if ((thrown as NodeJS.ErrnoException).code !== 'ENOSPC') throw thrown
      } finally {
        await file.close()
      }
    },
    empty: () => rm(ballast, { force: true }),
    async [Symbol.asyncDispose]() {
      await run(['umount', path])
      await rm(path, { recursive: true, force: true })
    },
  }
}

async function run(command: string[]): Promise<void> {
  const child = Bun.spawn(command, { stdout: 'ignore', stderr: 'pipe' })
  const [code, errors] = await Promise.all([child.exited, child.stderr.text()])
  if (code !== 0) throw new Error(`${command.join(' ')} failed: ${errors}Run the tests as root.`)
}
