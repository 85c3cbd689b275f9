import { join } from 'node:path'
import { launch } from '@pixelflow/testkit/process'

export interface Listening extends AsyncDisposable {
  readonly pid: number
  readonly port: number
}

/** Starts one of the programs beside this file, which writes the port it listens on. */
async function listening(file: string, ...args: (string | number)[]): Promise<Listening> {
  const running = launch({ command: [process.execPath, join(import.meta.dir, file), ...args.map(String)] })
  const line = await running.line((text) => text.startsWith('port '))
  return {
    pid: running.pid,
    port: Number(line.slice('port '.length)),
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
}

/** A server that only counts the bytes of uploads. */
export const sink = () => listening('sink.ts')

/** The way to a port of this machine, made longer by so many milliseconds in each direction. */
export const line = (port: number, delayMs: number) => listening('line.ts', port, delayMs)
