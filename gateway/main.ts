import { runService, waitForAbort } from '@pixelflow/platform/run-service'
import { readConfig, settingsTable } from './config.ts'
import { openGateway } from './gateway.ts'
import { version } from './package.json'

/** The gateway process. It serves until SIGTERM or SIGINT, then drains. */

/** How long the `ready` log entry waits for the task list; /health/ready reports the actual readiness. */
const catchUpMs = 10_000
/** Time after the drain to close connections and files. */
const closeMs = 1500

await runService({
  name: 'gateway',
  version,
  table: settingsTable,
  read: () => readConfig(process.env),
  async run(config, log, stop) {
    const gateway = await openGateway(config, log)
    await gateway.waitForTaskList(catchUpMs)
    // `./pixelflow up` waits for an entry with the field `ready`.
    log.info('ready', { ready: true, url: gateway.url, grpc: gateway.grpcAddress })
    await waitForAbort(stop)
    const timeout = setTimeout(() => {
      log.warn('drain timed out; exiting')
      process.exit(0)
    }, config.drainTimeoutMs + closeMs)
    await gateway[Symbol.asyncDispose]()
    clearTimeout(timeout)
  },
})
