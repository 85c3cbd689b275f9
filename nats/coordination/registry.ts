import { actorReport, type ActorReport, type ActorStatus } from '@pixelflow/core/actor'
import type { Clock } from '@pixelflow/core/ports/clock'
import type { Registry } from '@pixelflow/core/ports/registry'
import { onTick } from '@pixelflow/platform/ticks'
import type { z } from 'zod'
import type { Broker } from '../connection/broker.ts'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { registryAnnounce, registryRequest, registryWithdraw } from '../topology/subjects.ts'

/** How often an actor announces itself, in milliseconds. */
const announceEveryMs = 2000
/** Silence after which an actor counts as gone: two announcements may be lost. */
const expireAfterMs = 6000
/** Random delay of the answer to a request, in milliseconds, so that not all actors answer at the same moment. */
const maxAnswerDelayMs = 50
/** Limits of what a gateway keeps in memory. */
const maxActors = 1024
const maxReportBytes = 256 * 1024

const withdrawal = actorReport.pick({ name: true, startedAt: true })

/** Actors announce themselves on core NATS subjects; each subscriber keeps the announcements in memory. */
export function createRegistry(broker: Broker, clock: Clock, log: Logger): Registry {
  return {
    announce(report) {
      const publish = (subject: string, value: unknown) => {
        if (broker.isConnected) broker.nc.publish(subject, JSON.stringify(value))
      }
      const renew = () => publish(registryAnnounce, report())
      let answer: ReturnType<typeof setTimeout> | undefined
      const requests = broker.nc.subscribe(registryRequest, {
        callback: () => {
          // Many requests at once, as after a reconnect, get one answer.
          answer ??= setTimeout(() => {
            answer = undefined
            renew()
          }, Math.random() * maxAnswerDelayMs)
        },
      })
      const ticks = onTick(announceEveryMs, renew)
      const stopListening = broker.onReconnect(renew)
      renew()
      return {
        renew,
        async [Symbol.asyncDispose]() {
          stopListening()
          ticks[Symbol.dispose]()
          clearTimeout(answer)
          requests.unsubscribe()
          const { name, startedAt } = report()
          publish(registryWithdraw, { name, startedAt })
          if (broker.isConnected) await broker.nc.flush().catch(() => {})
        },
      }
    },

    follow() {
      const seen = new Map<string, SeenReport>()
      const subscribe = <T>(subject: string, schema: z.ZodType<T>, onValue: (value: T) => void) =>
        broker.nc.subscribe(subject, {
          callback: (error, msg) => {
            if (error || msg.data.length > maxReportBytes) return
            const value = parseJson(schema, msg.string())
            if (value !== undefined) onValue(value)
            else log.debug('actor report of an unknown version ignored', { subject })
          },
        })
      const announcements = subscribe(registryAnnounce, actorReport, (report) => add(seen, report, clock))
      const withdrawals = subscribe(registryWithdraw, withdrawal, ({ name, startedAt }) => {
        // When a name is reused, the withdrawal of the previous actor may arrive late.
        if (seen.get(name)?.report.startedAt === startedAt) seen.delete(name)
      })
      const request = () => {
        if (broker.isConnected) broker.nc.publish(registryRequest)
      }
      const stopListening = broker.onReconnect(request)
      request()
      return {
        get actors() {
          expire(seen)
          return [...seen.values()].toSorted((a, b) => (a.report.name < b.report.name ? -1 : 1))
        },
        [Symbol.dispose]() {
          stopListening()
          announcements.unsubscribe()
          withdrawals.unsubscribe()
        },
      }
    },
  }
}

/** `receivedAt` is this process's monotonic clock; the actor's clock does not matter. */
type SeenReport = ActorStatus & { readonly receivedAt: number }

function add(seen: Map<string, SeenReport>, report: ActorReport, clock: Clock): void {
  const before = seen.get(report.name)
  if (before !== undefined && before.report.startedAt > report.startedAt) return
  if (before === undefined) {
    expire(seen)
    if (seen.size >= maxActors) return
  }
  seen.set(report.name, { report, seenAt: new Date(clock.now()), receivedAt: performance.now() })
}

function expire(seen: Map<string, SeenReport>): void {
  const since = performance.now() - expireAfterMs
  for (const [name, { receivedAt }] of seen) if (receivedAt < since) seen.delete(name)
}

function parseJson<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
