import { runService, waitForAbort } from '@pixelflow/platform/run-service'
import { readConfig, settingsTable } from './config.ts'
import { openGateway } from './gateway.ts'

/** One gateway process: the only way in. Serves until it is told to stop, then drains. */

/** How long the first fold of the event log may hold up the word "ready"; readiness itself is told by /health/ready. */
const foldPatienceMs = 10_000
/** Beyond the drain, for parting from the broker and the disk. */
const goodbyeMs = 1500

await runService({
  name: 'gateway',
  table: settingsTable,
  read: () => readConfig(process.env),
  async run(config, log, stop) {
    const gateway = await openGateway(config, log)
    await gateway.caughtUp(foldPatienceMs)
    // `./pixelflow up` waits for an entry with the field `ready`.
    log.info('ready', { ready: true, url: gateway.url, grpc: gateway.grpcAddress })
    await waitForAbort(stop)
    const late = setTimeout(() => {
      log.warn('left without parting')
      process.exit(0)
    }, config.drainTimeoutMs + goodbyeMs)
    await gateway[Symbol.asyncDispose]()
    clearTimeout(late)
  },
})
