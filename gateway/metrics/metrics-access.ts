/**
 * Who can read the metrics. `token`: every authenticated caller; without tokens, every caller on this machine. `open`:
 * every caller that can reach the port. `off`: no caller, because the path does not exist.
 */
export const metricsAccess = ['token', 'open', 'off'] as const

export type MetricsAccess = (typeof metricsAccess)[number]
