/** The course of a load test: levels of users, and which limits apply. */
export interface Profile {
  /** One sentence for help and reports. */
  readonly summary: string
  readonly levels: readonly ProfileLevel[]
  /** Largest ratio of failed checks, 0 to 1. */
  readonly maxFailedChecks: number
  /** The limits of latency are multiplied by this number; undefined if none apply. */
  readonly latencyFactor?: number
}

/** The users grow or shrink to the level within `rampS` seconds, and stay there for `holdS` seconds. */
export interface ProfileLevel {
  /** Users, as a multiple of those of the scenario. */
  readonly level: number
  readonly rampS: number
  readonly holdS: number
}

export const profiles = {
  smoke: {
    summary: 'A few users for three seconds: does everything work?',
    levels: [{ level: 1, rampS: 0, holdS: 3 }],
    maxFailedChecks: 0,
  },
  load: {
    summary: 'The usual number of users for a minute.',
    levels: [{ level: 1, rampS: 10, holdS: 60 }],
    maxFailedChecks: 0,
    latencyFactor: 1,
  },
  stress: {
    summary: 'Four levels from half to four times the usual number of users: where is the limit?',
    levels: [0.5, 1, 2, 4].map((level) => ({ level, rampS: 5, holdS: 30 })),
    maxFailedChecks: 0.01,
    // Users wait for each other when the machine is saturated.
    latencyFactor: 4,
  },
  spike: {
    summary: 'Eight times as many users within two seconds, and back: does it recover?',
    levels: [
      { level: 0.5, rampS: 5, holdS: 20 },
      { level: 4, rampS: 2, holdS: 20 },
      { level: 0.5, rampS: 2, holdS: 30 },
    ],
    maxFailedChecks: 0.01,
  },
  soak: {
    summary: 'The usual number of users for half an hour: does anything grow or slow down?',
    levels: [{ level: 1, rampS: 30, holdS: 1800 }],
    maxFailedChecks: 0.0001,
    latencyFactor: 1,
  },
} as const satisfies Readonly<Record<string, Profile>>

export type ProfileName = keyof typeof profiles

export const profileNames = Object.keys(profiles) as ProfileName[]

/** A linear change of the number of users. */
export interface Stage {
  readonly seconds: number
  /** Number of users at its end. */
  readonly users: number
}

/**
 * The stages of a profile. `users` are those of level 1; every stage has at least one. `holdS` replaces the time at each
 * level, in seconds.
 */
export function stagesOf({ levels }: Profile, users: number, holdS?: number): Stage[] {
  return levels.flatMap(({ level, rampS, holdS: ownHoldS }) => {
    const target = Math.max(1, Math.round(users * level))
    return [
      { seconds: rampS, users: target },
      { seconds: holdS ?? ownHoldS, users: target },
    ]
  })
}
