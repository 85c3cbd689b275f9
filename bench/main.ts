import { brokerRuntime } from '@pixelflow/platform/broker-runtime'
import { startStack } from '@pixelflow/testkit/stack'
import { checkRequirements } from './check-requirements.ts'
import { measureOtherLoad } from './measure-other-load.ts'
import { readOptionsOrExit } from './options.ts'
import { saveResults } from './page/save-results.ts'
import { budgetPart } from './parts/budget.ts'
import { fairPart } from './parts/fair.ts'
import { floodsPart } from './parts/floods.ts'
import { followersPart } from './parts/followers.ts'
import { footprintPart } from './parts/footprint.ts'
import { grpcUploadPart } from './parts/grpc-upload.ts'
import type { Part, SharedStack } from './parts/part.ts'
import { processPart } from './parts/process.ts'
import { readsPart } from './parts/reads.ts'
import { scalePart } from './parts/scale.ts'
import { tunePart } from './parts/tune.ts'
import { transferPart } from './parts/transfer.ts'
import { worksPart } from './parts/works.ts'
import { exitForUsage } from './usage-error.ts'

/**
 * Compares PixelFlow with minimal programs that do the same work. Both alternate within one run, so that other load on
 * the machine affects them equally. Each part can be run alone.
 */
const parts: Readonly<Record<string, Part>> = {
  works: worksPart,
  budget: budgetPart,
  footprint: footprintPart,
  transfer: transferPart,
  process: processPart,
  reads: readsPart,
  followers: followersPart,
  scale: scalePart,
  tune: tunePart,
  'grpc-upload': grpcUploadPart,
  fair: fairPart,
  floods: floodsPart,
}

const options = readOptionsOrExit(process.argv.slice(2), Object.keys(parts))
const notes = await checkRequirements(options).catch((error: unknown) => exitForUsage(error, options.json))
for (const note of notes) process.stderr.write(`note: ${note}\n`)
const print = (text: string) => void (options.json || console.log(text))

// Brokers inherit the environment: both sides of a comparison have one as `up` runs it.
Object.assign(process.env, brokerRuntime(process.env))

await using scope = new AsyncDisposableStack()
let shared: Promise<SharedStack> | undefined
const startSharedStack = async () => {
  const stack = scope.use(
    await startStack({
      env: { PIXELFLOW_MAX_UPLOAD_BYTES: '8GiB', PIXELFLOW_LOG_LEVEL: 'info' },
      hasSharedCache: true,
    }),
  )
  return { stack, gateway: await stack.gateway(), actor: await stack.actor() }
}

const report: Record<string, unknown> = {}
for (const name of options.parts) {
  print(`── ${name}`)
  const otherLoad = options.save === undefined ? 0 : await measureOtherLoad()
  const part = await parts[name]?.({ options, openStack: () => (shared ??= startSharedStack()), print })
  Object.assign(report, part)
  // After each part, so that an interrupted run keeps what it has measured.
  if (options.save !== undefined)
    await saveResults(options.save, { name, report: part, isQuick: options.isQuick, otherLoad })
  print('')
}
if (options.json) console.log(JSON.stringify(report))
