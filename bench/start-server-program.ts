import { join } from 'node:path'
import { launch, type RunningProcess } from '@pixelflow/testkit/process'

/** A server program of the benchmark that runs as a separate process. */
export interface ServerProgram extends AsyncDisposable {
  readonly pid: number
  readonly port: number
  readonly process: RunningProcess
}

/** Starts a program of this folder, which prints the port that it listens on as `port N`. */
export async function startServerProgram(
  file: string,
  args: readonly (string | number)[] = [],
): Promise<ServerProgram> {
  const running = launch({
    command: [process.execPath, '--no-env-file', join(import.meta.dir, file), ...args.map(String)],
    // The same as PixelFlow's processes.
    env: { NODE_ENV: 'production', MIMALLOC_PURGE_DELAY: '10000' },
  })
  const line = await running.line((text) => text.startsWith('port '))
  return {
    pid: running.pid,
    port: Number(line.slice('port '.length)),
    process: running,
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
}
