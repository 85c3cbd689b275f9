import { startStack } from '@pixelflow/testkit/stack'
import { measureRate } from '../measure-rate.ts'
import { processStoredImage } from '../process-stored-image.ts'
import { makeDistinct } from '../sample-photo.ts'
import { paintSource, works } from '../works/work.ts'
import type { CurveValues } from './curve.ts'

/** Tasks for each process before the measured ones. */
const warmUpTasks = 150
const measuredTasks = 200

/** Tasks of 180 kB a second with some gateways, which take turns, and actors. */
export async function measureProcesses(gatewayCount: number, actorCount: number): Promise<CurveValues> {
  const work = works['180k']
  const source = await paintSource(work)
  await using stack = await startStack({ env: { PIXELFLOW_LOG_LEVEL: 'info' }, hasSharedCache: true })
  const gateways = await Promise.all(Array.from({ length: gatewayCount }, () => stack.gateway()))
  await Promise.all(Array.from({ length: actorCount }, () => stack.actor()))
  const run = (count: number, from: number) =>
    measureRate(count, 8, (serial) => {
      const { url = '' } = gateways[serial % gateways.length] ?? {}
      return processStoredImage(url, makeDistinct(source, from + serial), `resize:${work.resultWidth}`)
    })
  const first = warmUpTasks * Math.max(gatewayCount, actorCount)
  await run(first, 0)
  return { rate: await run(measuredTasks, first) }
}
