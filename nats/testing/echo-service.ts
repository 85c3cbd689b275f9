import { waitForAbort } from '@pixelflow/platform/run-service'
import { readSettings } from '@pixelflow/platform/config/read-settings'
import { openAdapters } from '../open-adapters.ts'
import { natsSettings } from '../nats-settings.ts'
import { createLogger } from '@pixelflow/platform/telemetry/logger'

/** Echoes the frames of sessions. Tests run and kill it as a process. */
const log = createLogger({ service: 'echo', format: 'json' })
const adapters = await openAdapters({ settings: readSettings(natsSettings, process.env), name: 'echo', log })
adapters.sessionHost.serve('preview', {
  capacity: 3,
  async handle(_, session) {
    for (let frame = await session.next(); frame !== null; frame = await session.next()) {
      await session.send(frame.head, frame.body)
    }
  },
})
log.info('ready')
await waitForAbort(new AbortController().signal)
