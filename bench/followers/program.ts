import { parseTimes, startSharedClock } from './parse-times.ts'

/**
 * Opens event streams and measures how long after its append each event arrives: `program.ts URL FILE`, a JSON array with the id of the task
 * of each follower. Prints `port 0` when all streams have begun, and the latencies in microseconds since the
 * last time as JSON on SIGUSR2.
 */
const [url = '', file = ''] = process.argv.slice(2)
const { hostname, port } = new URL(url)
const tasks = (await Bun.file(file).json()) as string[]
const latencies: number[] = []
const clock = startSharedClock()
let open = 0

for (const task of tasks) {
  const begun = Promise.withResolvers<void>()
  let rest = ''
  await Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      open: (socket) =>
        void socket.write(`GET /api/v1/tasks/${task}/events HTTP/1.1\r\nHost: localhost\r\n\r\n`),
      data(_, chunk) {
        const now = clock()
        const { times, rest: left } = parseTimes(rest + chunk.toString('latin1'))
        rest = left
        for (const at of times) latencies.push(now - at)
        if (times.length > 0) begun.resolve()
      },
      error: (_, error) => begun.reject(error),
      close: () => begun.reject(new Error('the server closed a stream')),
    },
  })
  await begun.promise
  open += 1
}
latencies.length = 0
console.log(`port 0 ${open}`)
process.on('SIGUSR2', () => {
  console.log(JSON.stringify({ latencies }))
  latencies.length = 0
})
