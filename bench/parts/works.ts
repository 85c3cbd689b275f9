import { join, resolve } from 'node:path'
import sharp from 'sharp'
import { profileTo } from '../preload/observation.ts'
import { measureWork } from '../works/measure-work.ts'
import { openSystems } from '../works/open-systems.ts'
import { renderWork } from '../works/render-works.ts'
import { paintSource, reduceTasks, works } from '../works/work.ts'
import { smallTaskToLargePass, summarizeWork, type WorkReport } from '../works/works-report.ts'
import type { Part } from './part.ts'

/**
 * Compares whole tasks with three other ways to do the same work: sharp alone, sharp between puts and gets, and the usual parts glued
 * together. Each work has fresh processes.
 */
export const worksPart: Part = async ({ options, print }) => {
  sharp.concurrency(1)
  sharp.cache(false)
  const reports: Record<string, WorkReport> = {}
  for (const name of options.works) {
    const work = works[name]
    print(work.title)
    const source = await paintSource(work)
    const folder = options.profile === undefined ? undefined : resolve(options.profile, name)
    // A folder for each system, because the names of profiles have only process ids.
    const observe = folder === undefined ? undefined : (system: string) => profileTo(join(folder, system))
    await using opened = await openSystems(options.systems, work.resultWidth, observe)
    const tasks = options.isQuick ? reduceTasks(work.tasks) : work.tasks
    const measurements = await measureWork(opened.systems, source, tasks, options.rounds, print)
    const inFlight = Object.fromEntries(opened.systems.map((system) => [system.name, system.inFlight]))
    const run = { rounds: options.rounds, tasks, inFlight }
    const report = summarizeWork(work.title, source.length, measurements, run)
    reports[name] = report
    print(`\n${renderWork(report)}\n`)
    if (folder !== undefined) print(`CPU profiles are in ${folder}. Profiled processes use more CPU time.\n`)
  }
  const small = smallTaskToLargePass(reports)
  if (small !== undefined)
    print(`CPU of all servers for a task of 1 kB ÷ one plain pass over 12 megapixels: ${small.toFixed(2)}`)
  return { works: reports, ...(small === undefined ? {} : { smallTaskToLargePass: small }) }
}
