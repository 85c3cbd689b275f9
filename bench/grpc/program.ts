import { join } from 'node:path'
import { launch } from '@pixelflow/testkit/process'

/** A server program in this folder that runs as a separate process. */
export interface ServerProgram extends AsyncDisposable {
  readonly pid: number
  readonly port: number
}

/** Starts a program, which prints the port that it listens on. */
async function startProgram(file: string, ...args: (string | number)[]): Promise<ServerProgram> {
  const running = launch({ command: [process.execPath, join(import.meta.dir, file), ...args.map(String)] })
  const line = await running.line((text) => text.startsWith('port '))
  return {
    pid: running.pid,
    port: Number(line.slice('port '.length)),
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
}

/** Starts a server that only counts the bytes of uploads. */
export const startSinkProgram = () => startProgram('sink.ts')

/** Starts a TCP proxy to a local port, which delays each direction. */
export const startDelayProxyProgram = (port: number, delayMs: number) =>
  startProgram('delay-proxy.ts', port, delayMs)
