import { rmSync } from 'node:fs'

/** Removes folders however this process ends, except by SIGKILL. */
export function removeAtExit(paths: readonly string[]): void {
  process.on('exit', () => {
    for (const path of paths) {
      try {
        rmSync(path, { recursive: true, force: true })
      } catch {
        // A worker still writes there. The next start of an actor removes the folder.
      }
    }
  })
}
