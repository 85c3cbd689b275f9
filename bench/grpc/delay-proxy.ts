import { startDelayProxy } from '@pixelflow/gateway/testing/delay-proxy'

/** A TCP proxy with latency, as a separate process: `delay-proxy.ts <port> <one-way milliseconds>`. Prints its port. */
const [port, delayMs] = process.argv.slice(2).map(Number)
if (!port || !delayMs) {
  throw new Error('The port or the delay is missing. Run delay-proxy.ts <port> <milliseconds>.')
}
const proxy = await startDelayProxy('127.0.0.1', port, delayMs)
console.log(`port ${proxy.port}`)
