/**
 * Who can read the metrics. `token`: every authenticated caller; without tokens, this machine. `open`: everyone who can
 * reach the port. `off`: no one, the path does not exist.
 */
export const metricsAccess = ['token', 'open', 'off'] as const

export type MetricsAccess = (typeof metricsAccess)[number]
