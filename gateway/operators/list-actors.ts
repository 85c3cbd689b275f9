import type { ActorStatus } from '@pixelflow/core/actor'
import { requireScope, type Principal } from '@pixelflow/core/principal'
import type { Ports } from '../ports.ts'

/** Every actor that is there, by name; of the tasks that they hold, those of the caller only. */
export function listActors({ roster }: Pick<Ports, 'roster'>) {
  return (who: Principal): ActorStatus[] => {
    requireScope(who, 'tasks:read')
    return roster.actors.map(({ report, seenAt }) => ({
      report: { ...report, tasks: report.tasks.filter((one) => one.account === who.account) },
      seenAt,
    }))
  }
}
