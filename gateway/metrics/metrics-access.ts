/**
 * Who may read the metrics: `token`: whoever may call at all, so with a token where there are tokens, and from this
 * machine where there are none; `open`: whoever reaches the port; `off`: nobody, they are not there.
 */
export const metricsAccess = ['token', 'open', 'off'] as const

export type MetricsAccess = (typeof metricsAccess)[number]
