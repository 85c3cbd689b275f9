import { startStack } from '@pixelflow/testkit/stack'
import { optionsOrExit } from './options.ts'
import { fair } from './parts/fair.ts'
import { floods } from './parts/floods.ts'
import { grpcUploads } from './parts/grpc-upload.ts'
import type { Part } from './parts/part.ts'
import { processing } from './parts/process.ts'
import { tuning } from './parts/tune.ts'
import { whole } from './parts/whole.ts'

/**
 * Cost of PixelFlow compared with the simplest programs that do the same work, in turns within one run, so that a noisy
 * machine affects all of them equally. Each part can be run alone.
 */
const parts: Readonly<Record<string, Part>> = {
  whole,
  process: processing,
  tune: tuning,
  'grpc-upload': grpcUploads,
  fair,
  floods,
}

const options = optionsOrExit(process.argv.slice(2), Object.keys(parts))
const say = (text: string) => void (options.json || console.log(text))

await using stack = await startStack({
  env: { PIXELFLOW_MAX_UPLOAD_BYTES: '8GiB', PIXELFLOW_LOG_LEVEL: 'warn' },
})
const gateway = await stack.gateway({ env: { PIXELFLOW_LOG_LEVEL: 'info' } })
const actor = await stack.actor({ env: { PIXELFLOW_LOG_LEVEL: 'info' } })

const report: Record<string, unknown> = {}
for (const name of options.parts) {
  say(`── ${name}`)
  Object.assign(report, await parts[name]?.({ options, stack, gateway, actor, say }))
  say('')
}
if (options.json) console.log(JSON.stringify(report))
