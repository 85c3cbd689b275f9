import { actorReport, type ActorReport, type ActorStatus } from '@pixelflow/core/actor'
import type { Clock } from '@pixelflow/core/ports/clock'
import type { Registry } from '@pixelflow/core/ports/registry'
import type { z } from 'zod'
import type { Broker } from '../connection/broker.ts'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { registryWithdraw, registryAnnounce, registryRequest } from '../topology/topology.ts'

/** How often an actor says that it is there, in milliseconds. */
const announceEveryMs = 2000
/** Silence after which an actor is taken for gone: two words may get lost. */
const silenceMs = 6000
/** A roll call is answered within this time, not by all at the same moment. */
const answerWithinMs = 50
/** What a gateway remembers at most. */
const mostActors = 1024
const longestReport = 256 * 1024

const farewell = actorReport.pick({ name: true, startedAt: true })

/** Actors known by what they say over plain NATS subjects; whoever listens keeps it in memory. */
export function createRegistry(broker: Broker, clock: Clock, log: Logger): Registry {
  return {
    announce(report) {
      const say = (subject: string, value: unknown) => {
        if (broker.isConnected) broker.nc.publish(subject, JSON.stringify(value))
      }
      const renew = () => say(registryAnnounce, report())
      let answer: ReturnType<typeof setTimeout> | undefined
      const calls = broker.nc.subscribe(registryRequest, {
        callback: () => {
          // Many who ask at once, as after a break, get one answer.
          answer ??= setTimeout(() => {
            answer = undefined
            renew()
          }, Math.random() * answerWithinMs)
        },
      })
      const timer = setInterval(renew, announceEveryMs)
      const stopUp = broker.onReconnect(renew)
      renew()
      return {
        renew,
        async [Symbol.asyncDispose]() {
          stopUp()
          clearInterval(timer)
          clearTimeout(answer)
          calls.unsubscribe()
          const { name, startedAt } = report()
          say(registryWithdraw, { name, startedAt })
          if (broker.isConnected) await broker.nc.flush().catch(() => {})
        },
      }
    },

    follow() {
      const seen = new Map<string, Heard>()
      const listen = <T>(subject: string, schema: z.ZodType<T>, heard: (value: T) => void) =>
        broker.nc.subscribe(subject, {
          callback: (error, msg) => {
            if (error || msg.data.length > longestReport) return
            const value = read(schema, msg.string())
            if (value !== undefined) heard(value)
            else log.debug('an actor says what this version cannot read', { subject })
          },
        })
      const here = listen(registryAnnounce, actorReport, (report) => hear(seen, report, clock))
      const gone = listen(registryWithdraw, farewell, ({ name, startedAt }) => {
        // Where a name is used again, the one before may say farewell late.
        if (seen.get(name)?.report.startedAt === startedAt) seen.delete(name)
      })
      const call = () => {
        if (broker.isConnected) broker.nc.publish(registryRequest)
      }
      const sweep = setInterval(() => forget(seen), silenceMs)
      const stopUp = broker.onReconnect(call)
      call()
      return {
        get actors() {
          forget(seen)
          return [...seen.values()].toSorted((a, b) => (a.report.name < b.report.name ? -1 : 1))
        },
        [Symbol.dispose]() {
          stopUp()
          clearInterval(sweep)
          here.unsubscribe()
          gone.unsubscribe()
        },
      }
    },
  }
}

/** `at` is this process's monotonic clock: what the actor's says does not matter. */
type Heard = ActorStatus & { readonly at: number }

function hear(seen: Map<string, Heard>, report: ActorReport, clock: Clock): void {
  const before = seen.get(report.name)
  if (before !== undefined && before.report.startedAt > report.startedAt) return
  if (before === undefined && seen.size >= mostActors) {
    forget(seen)
    if (seen.size >= mostActors) return
  }
  seen.set(report.name, { report, seenAt: new Date(clock.now()), at: performance.now() })
}

function forget(seen: Map<string, Heard>): void {
  const since = performance.now() - silenceMs
  for (const [name, { at }] of seen) if (at < since) seen.delete(name)
}

function read<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
