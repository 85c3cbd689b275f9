import { startServerProgram } from '../start-server-program.ts'

/** Starts a server that only counts the bytes of uploads. */
export const startSinkProgram = () => startServerProgram('grpc/sink.ts')

/** Starts a TCP proxy to a local port, which delays each direction. */
export const startDelayProxyProgram = (port: number, delayMs: number) =>
  startServerProgram('grpc/delay-proxy.ts', [port, delayMs])
