import { childrenOf } from '@pixelflow/testkit/process'

export type ProcessRole = 'up' | 'gateway' | 'actor' | 'workers' | 'nats-server' | 'other'

/** The entry point of a service: its source, or the bundle that `up` builds in a folder below its package. */
const servicePattern = /\/(gateway|actors)\/(?:node_modules\/\.pixelflow\/[^/ ]+\/)?main\.[jt]s\b/

/** The role of a process in the stack, by its command line and the role of its parent. */
export function roleOf(commandLine: string, parent: ProcessRole | undefined): ProcessRole {
  if (parent === undefined) return 'up'
  if (parent === 'actor' || parent === 'workers') return 'workers'
  const service = servicePattern.exec(commandLine)?.[1]
  if (service !== undefined) return service === 'actors' ? 'actor' : 'gateway'
  if (commandLine.includes('nats-server')) return 'nats-server'
  return 'other'
}

/** A process and its descendants with their roles. */
export async function listProcesses(
  pid: number,
  parent?: ProcessRole,
): Promise<{ pid: number; role: ProcessRole }[]> {
  const commandLine = await Bun.file(`/proc/${pid}/cmdline`)
    .text()
    .catch(() => '')
  const role = roleOf(commandLine.replaceAll('\0', ' '), parent)
  const children = await Promise.all((await childrenOf(pid)).map((child) => listProcesses(child, role)))
  return [{ pid, role }, ...children.flat()]
}
