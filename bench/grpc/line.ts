import { startDelayProxy } from '@pixelflow/gateway/testing/delay-proxy'

/** A line with a delay as a process of its own: `line.ts <port> <milliseconds each way>`; writes its port. */
const [port, delayMs] = process.argv.slice(2).map(Number)
if (!port || !delayMs) throw new Error('line.ts wants a port and a delay.')
const line = await startDelayProxy('127.0.0.1', port, delayMs)
console.log(`port ${line.port}`)
