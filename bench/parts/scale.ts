import type { Curve, CurveValues } from '../scale/curve.ts'
import { measureFollowers } from '../scale/measure-followers.ts'
import { measureObjects } from '../scale/measure-objects.ts'
import { measureProcesses } from '../scale/measure-processes.ts'
import { measureReadModel } from '../scale/measure-read-model.ts'
import { formatSize } from '../page/format-size.ts'
import { formatMeasured } from '../page/format-measured.ts'
import type { Part } from './part.ts'

interface Scale extends Omit<Curve, 'points'> {
  readonly sizes: readonly number[]
  /** The sizes with `--quick`. */
  readonly few: number
  readonly measure: (size: number, isQuick: boolean) => Promise<CurveValues>
}

const scales: readonly Scale[] = [
  {
    name: 'actors',
    title: 'Tasks of 180 kB with several actors on one machine',
    size: 'actors',
    unit: 'tasks/s',
    sizes: [1, 2, 3, 4],
    few: 2,
    measure: (actors) => measureProcesses(1, actors),
  },
  {
    name: 'gateways',
    title: 'Tasks of 180 kB with several gateways on one machine',
    size: 'gateways',
    unit: 'tasks/s',
    sizes: [1, 2, 3],
    few: 2,
    measure: (gateways) => measureProcesses(gateways, 1),
  },
  {
    name: 'followers',
    title: 'From the append of an event to its follower, 200 events a second',
    size: 'followers',
    unit: 'ms',
    sizes: [1, 10, 100, 1000, 2000, 5000],
    few: 4,
    measure: (followers, isQuick) => measureFollowers(followers, isQuick ? 3 : 15),
  },
  {
    name: 'read-model',
    title: 'Reads with many tasks',
    size: 'tasks',
    unit: 'requests/s',
    sizes: [1000, 10_000, 100_000, 1_000_000],
    few: 2,
    measure: measureReadModel,
  },
  {
    name: 'objects',
    title: 'Uploads and downloads of one file after the other',
    size: 'bytes',
    unit: 'MiB/s',
    sizes: [1000, 32_000, 1e6, 32e6, 256e6, 1e9],
    few: 4,
    measure: measureObjects,
  },
]

/** Measures how rates and times change with the number of processes, followers, tasks and bytes. */
export const scalePart: Part = async ({ options, print }) => {
  const curves: Curve[] = []
  for (const { sizes, few, measure, ...curve } of scales) {
    print(curve.title)
    const points = []
    for (const size of options.isQuick ? sizes.slice(0, few) : sizes) {
      const values = await measure(size, options.isQuick)
      points.push({ size, values })
      const texts = Object.entries(values).map(([name, value]) => `${name} ${formatMeasured(value)}`)
      print(`  ${curve.size} ${formatSize(size, curve.size)}: ${texts.join(', ')} ${curve.unit}`)
    }
    curves.push({ ...curve, points })
  }
  return { scale: curves }
}
