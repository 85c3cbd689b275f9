import type { Options, RampingVUsScenario } from 'k6/options'
import { stagesOf } from '../profiles.ts'
import type { LoadScenario } from '../scenarios.ts'
import { settings } from './settings.ts'

/** A group of users with the same behavior. */
export interface UserGroup {
  /** Name of the exported function that each user repeats. */
  readonly exec: string
  /** Share of the users, 0 to 1. */
  readonly share: number
}

const everyUser: Readonly<Record<string, UserGroup>> = { users: { exec: 'default', share: 1 } }

/**
 * The options of a script: users by the profile, each of whom begins a round at most once a second, and the thresholds.
 */
export function defineOptions(scenario: LoadScenario, groups = everyUser): Options {
  const { profile, cert, key } = settings
  const { latencyFactor } = profile
  const limits = latencyFactor === undefined ? [] : Object.entries(scenario.limitsMs)
  return {
    scenarios: Object.fromEntries(Object.entries(groups).map(([name, group]) => [name, toScenario(group)])),
    thresholds: {
      // An exception in a script fails no check.
      completed_rounds: [minRate(profile.maxFailedChecks)],
      checks: [minRate(profile.maxFailedChecks)],
      ...Object.fromEntries(limits.map(([name, ms]) => [name, [`p(95)<${ms * (latencyFactor ?? 1)}`]])),
    },
    minIterationDuration: '1s',
    setupTimeout: '2m',
    teardownTimeout: '5m',
    summaryTrendStats: ['count', 'avg', 'min', 'med', 'p(90)', 'p(95)', 'p(99)', 'max'],
    // Addresses contain ids, so each request would be a series of its own.
    systemTags: ['group', 'status', 'method', 'name', 'scenario', 'check', 'error_code'],
    userAgent: 'pixelflow-loadtest',
    ...(cert === undefined || key === undefined ? {} : { tlsAuth: [{ cert, key }] }),
  }
}

function toScenario({ exec, share }: UserGroup): RampingVUsScenario {
  const stages = stagesOf(settings.profile, settings.users * share, settings.holdS)
  return {
    executor: 'ramping-vus',
    exec,
    startVUs: 0,
    stages: stages.map(({ seconds, users }) => ({ duration: `${seconds}s`, target: users })),
    gracefulRampDown: '30s',
    gracefulStop: '60s',
  }
}

function minRate(maxFailed: number): string {
  return maxFailed === 0 ? 'rate==1' : `rate>=${1 - maxFailed}`
}
