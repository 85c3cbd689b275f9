import type { Stage } from '../profiles.ts'

/** What a load test measured. */
export interface LoadResult {
  readonly durationMs: number
  readonly thresholds: readonly Threshold[]
  readonly checks: readonly CheckCount[]
  readonly durations: readonly Duration[]
  readonly counts: readonly Count[]
  readonly series: readonly TimeSeries[]
}

/** A limit of a metric. */
export interface Threshold {
  readonly metric: string
  /** For example `p(95)<1000`. */
  readonly rule: string
  /** The measured value in the unit of the rule; null when nothing was measured, which fails. */
  readonly measured: number | null
  readonly isPassed: boolean
}

/** A condition that was checked on many responses. */
export interface CheckCount {
  readonly name: string
  readonly passes: number
  readonly fails: number
}

/** Statistics of a duration in milliseconds. */
export interface Duration {
  readonly name: string
  readonly count: number
  readonly median: number
  readonly p95: number
  readonly p99: number
  readonly max: number
}

export interface Count {
  readonly name: string
  /** Undefined for a number of events. */
  readonly unit?: 'bytes'
  readonly total: number
  readonly perSecond: number
}

/** A value over time. */
export interface TimeSeries {
  readonly name: string
  readonly unit: '' | 'ms' | 'per second'
  /** Seconds since the start, and the value. */
  readonly points: readonly (readonly [seconds: number, value: number])[]
}

/** The result of a load test, and what was tested. */
export interface LoadReport extends LoadResult {
  readonly scenario: string
  readonly summary: string
  readonly profile: string
  /** Users at level 1. */
  readonly users: number
  /** How the number of users changes. */
  readonly stages: readonly Stage[]
  /** Size of the JPEG that users upload. */
  readonly imageBytes: number
  /** As JSON; undefined for a scenario that does not use it. */
  readonly recipe?: string
  /** ISO 8601. */
  readonly startedAt: string
  readonly server: { readonly url: string; readonly version: string }
  /** The machine that ran the load test. */
  readonly client: { readonly cores: number; readonly cpu: string }
  /** Whether every threshold passed. */
  readonly isPassed: boolean
}
