import { stopped } from './room.ts'
import { readSettings } from './config.ts'
import { openFabric } from './open.ts'
import { fabricSettings } from './settings.ts'
import { createLog } from './telemetry/log.ts'

/** A process that sends back whatever it is sent in a session. Only tests use this, to kill it. */
const log = createLog({ room: 'echo', format: 'json' })
const fabric = await openFabric({ settings: readSettings(fabricSettings, process.env), name: 'echo', log })
fabric.sessionHost.serve('preview', {
  room: 3,
  async take(_, session) {
    for (let frame = await session.next(); frame !== null; frame = await session.next()) {
      await session.send(frame.head, frame.body)
    }
  },
})
log.info('ready')
await stopped(new AbortController().signal)
