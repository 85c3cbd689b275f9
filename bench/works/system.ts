import type { CpuReader } from '../measure-cpu.ts'

/** A program that does a work, and how its use of the CPU is read. */
export interface System {
  readonly name: SystemName
  /** Tasks in flight. */
  readonly inFlight: number
  /** Its server processes by name, without the client. */
  readonly servers: Readonly<Record<string, CpuReader>>
  run(source: Uint8Array<ArrayBuffer>): Promise<void>
}

export const systemNames = [
  'pixelflow',
  'pixelflow-traced',
  'sharp',
  'stored',
  'bullmq',
  'bullmq-node',
] as const
/** Without `pixelflow-traced`, and without `bullmq-node`, which needs Node.js and is slower than the same programs on Bun. */
export const defaultSystems: readonly SystemName[] = ['pixelflow', 'sharp', 'stored', 'bullmq']
export type SystemName = (typeof systemNames)[number]

export const systemTitles: Readonly<Record<SystemName, string>> = {
  pixelflow: 'PixelFlow',
  'pixelflow-traced': 'PixelFlow, every task traced',
  sharp: 'plain sharp loop',
  stored: 'plain loop with put and get',
  bullmq: 'Fastify, BullMQ, Redis, sharp on Bun',
  'bullmq-node': 'the same on Node.js',
}
