import type { CurveValues } from '../scale/curve.ts'
import type { SystemName } from '../works/system.ts'
import type { MeasuredReports } from './page-section.ts'

/** A measured number with its limit. */
export interface Limit {
  readonly name: string
  readonly digits: number
  readonly unit?: string
  /** `most`: smaller is better. */
  readonly direction: 'least' | 'most'
  readonly limit: number
  readonly goal: number
  read(reports: MeasuredReports): number | undefined
  /** What bounds the number on this machine. */
  readonly bound: string
  /** Where a picture of the page has the number. */
  readonly place?: LimitPlace
}

type LimitPlace = 'memory-idle' | 'memory-under-load' | 'scale-followers-5000-p99'

const ratio = (work: string, system: SystemName) => (reports: MeasuredReports) =>
  reports.works?.works[work]?.ratios[system]?.rate
const mebibytes = (bytes: number | undefined) => (bytes === undefined ? undefined : bytes / 2 ** 20)

export const limits: readonly Limit[] = [
  {
    name: '3 MB stored ÷ plain sharp loop',
    digits: 2,
    direction: 'least',
    limit: 0.55,
    goal: 0.65,
    read: ratio('3m', 'sharp'),
    bound: 'the bytes pass the loopback and the broker: upload, put, get, result',
  },
  {
    name: '3 MB stored ÷ plain loop with put and get',
    digits: 2,
    direction: 'least',
    limit: 0.9,
    goal: 0.95,
    read: ratio('3m', 'stored'),
    bound: 'the same puts and gets with the official client',
  },
  {
    name: '180 kB stored ÷ plain sharp loop',
    digits: 2,
    direction: 'least',
    limit: 0.35,
    goal: 0.5,
    read: ratio('180k', 'sharp'),
    bound: 'the fixed cost of a task, next to 8 ms of pixels',
  },
  {
    name: 'CPU of all servers for 1 kB ÷ one plain pass over 12 MP',
    digits: 2,
    direction: 'most',
    limit: 0.25,
    goal: 0.18,
    read: (all) => all.works?.smallTaskToLargePass,
    bound: 'the messages, stored events and file operations of a task',
  },
  {
    name: '1 kB ÷ Fastify, BullMQ and Redis on Bun',
    digits: 2,
    direction: 'least',
    limit: 0.9,
    goal: 1.2,
    read: ratio('1k', 'bullmq'),
    bound: 'the event log, the lease and the worker process, which the alternative does not have',
  },
  {
    name: '1 kB ÷ Fastify, BullMQ and Redis on Node.js',
    digits: 2,
    direction: 'least',
    limit: 0.9,
    goal: 1.2,
    read: ratio('1k', 'bullmq-node'),
    bound: 'the same, on the runtime for which these libraries are made',
  },
  {
    name: '180 kB ÷ Fastify, BullMQ and Redis on Bun',
    digits: 2,
    direction: 'least',
    limit: 0.8,
    goal: 1,
    read: ratio('180k', 'bullmq'),
    bound: 'the same, with more pixels next to it',
  },
  {
    name: '180 kB ÷ Fastify, BullMQ and Redis on Node.js',
    digits: 2,
    direction: 'least',
    limit: 0.8,
    goal: 1,
    read: ratio('180k', 'bullmq-node'),
    bound: 'the same',
  },
  {
    name: '3 MB ÷ Fastify, BullMQ and Redis on Bun',
    digits: 2,
    direction: 'least',
    limit: 0.9,
    goal: 1.1,
    read: ratio('3m', 'bullmq'),
    bound: 'the alternative writes a file once; here the bytes are stored so that every machine reads them',
  },
  {
    name: '3 MB ÷ Fastify, BullMQ and Redis on Node.js',
    digits: 2,
    direction: 'least',
    limit: 0.9,
    goal: 1.1,
    read: ratio('3m', 'bullmq-node'),
    bound: 'the same',
  },
  {
    name: 'CPU of a traced task of 1 kB ÷ that of an untraced one',
    digits: 3,
    direction: 'most',
    limit: 1.03,
    goal: 1.02,
    read: (all) => all.works?.works['1k']?.ratios['pixelflow-traced']?.cpu,
    bound: 'some fifteen spans, kept in memory and written once per second',
  },
  {
    name: 'synchronous call, idle, later than plain sharp',
    digits: 1,
    unit: 'ms',
    direction: 'most',
    limit: 6,
    goal: 3,
    read: (all) => all.process?.processIdleLaterMs,
    bound: 'the hops client, gateway, broker, actor, worker and back',
  },
  {
    name: 'synchronous calls, full ÷ plain sharp loop',
    digits: 2,
    direction: 'least',
    limit: 0.75,
    goal: 0.85,
    read: (all) => all.process?.processToPlainSharp,
    bound: 'pixels; the rest is copies of the bytes',
  },
  {
    name: 'upload ÷ plain pipelined put',
    digits: 2,
    direction: 'least',
    limit: 0.8,
    goal: 0.95,
    read: (all) => all.transfer?.transfer.uploadToPlainPut,
    bound: 'one SHA-256 and one copy more than the plain put',
  },
  {
    name: 'download ÷ plain pipelined get',
    digits: 2,
    direction: 'least',
    limit: 0.8,
    goal: 0.95,
    read: (all) => all.transfer?.transfer.downloadToPlainGet,
    bound: 'the second loopback, and a file: Bun sends the length of a body only when it has the whole body',
  },
  {
    name: '1,000 followers of as many tasks, p99',
    digits: 1,
    unit: 'ms',
    direction: 'most',
    limit: 5,
    goal: 2,
    read: (all) => followersOf(all, 1000),
    bound: 'one write of a socket for each delivery',
  },
  {
    name: '5,000 followers of as many tasks, p99',
    digits: 1,
    unit: 'ms',
    direction: 'most',
    limit: 25,
    goal: 10,
    read: (all) => pointOf(all, 'followers', 5000)?.['p99'],
    bound: 'the same, and 5,000 connections of one client program',
    place: 'scale-followers-5000-p99',
  },
  {
    name: 'get a task ÷ bare route',
    digits: 2,
    direction: 'least',
    limit: 0.25,
    goal: 0.5,
    read: (all) => all.reads?.reads.get.toBare,
    bound: 'one read of SQLite, and the rules of every call',
  },
  {
    name: 'list 50 tasks ÷ bare route',
    digits: 2,
    direction: 'least',
    limit: 0.1,
    goal: 0.2,
    read: (all) => all.reads?.reads.list.toBare,
    bound: '50 rows of SQLite, and a text of 45 kB',
  },
  {
    name: 'memory of the idle stack, resident',
    digits: 0,
    unit: 'MiB',
    direction: 'most',
    limit: 350,
    goal: 280,
    read: (all) => mebibytes(all.footprint?.footprint.idle.memory['total']?.rss),
    bound: 'some 60 MiB for each warm process of Bun',
    place: 'memory-idle',
  },
  {
    name: 'CPU of the idle stack',
    digits: 2,
    unit: '% of a core',
    direction: 'most',
    limit: 1,
    goal: 0.5,
    read: (all) => all.footprint?.footprint.idle.cpuPercent['total'],
    bound: 'elections, announcements and timers',
  },
  {
    name: 'memory under load, resident',
    digits: 0,
    unit: 'MiB',
    direction: 'most',
    limit: 750,
    goal: 550,
    read: (all) => mebibytes(all.footprint?.footprint.load.peak['total']?.rss),
    bound: 'decoded pictures in workers, and the buffers of the broker',
    place: 'memory-under-load',
  },
  {
    name: 'warm `up` until ready',
    digits: 0,
    unit: 'ms',
    direction: 'most',
    limit: 1500,
    goal: 800,
    read: (all) => all.footprint?.footprint.start.readyMs,
    bound: 'three processes of Bun that load their modules',
  },
  {
    name: 'warm `up` until the first result',
    digits: 0,
    unit: 'ms',
    direction: 'most',
    limit: 2000,
    goal: 1200,
    read: (all) => all.footprint?.footprint.start.firstResultMs,
    bound: 'the same, and the first call of every function',
  },
]

/** The limit at a place of a picture. */
export function limitAt(place: LimitPlace): number {
  const found = limits.find((limit) => limit.place === place)
  if (found === undefined) throw new Error(`No limit is at ${place}.`)
  return found.limit
}

function followersOf(reports: MeasuredReports, count: number): number | undefined {
  const delivery = reports.followers?.followers.ownTasks
  return delivery?.followers === count ? delivery.p99Ms : undefined
}

function pointOf(reports: MeasuredReports, curve: string, size: number): CurveValues | undefined {
  const points = reports.scale?.scale.find(({ name }) => name === curve)?.points
  return points?.find((point) => point.size === size)?.values
}
