import type { ActorStatus } from '@pixelflow/core/actor'
import { requireScope, type Principal } from '@pixelflow/core/principal'
import type { Ports } from '../ports.ts'

/** All living actors, by name, with those of their tasks that belong to the caller. */
export function listActors({ roster }: Pick<Ports, 'roster'>) {
  return (who: Principal): ActorStatus[] => {
    requireScope(who, 'tasks:read')
    return roster.actors.map(({ report, seenAt }) => ({
      report: { ...report, tasks: report.tasks.filter((one) => one.account === who.account) },
      seenAt,
    }))
  }
}
