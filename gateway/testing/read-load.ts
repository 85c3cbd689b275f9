import type { HealthView } from '../transports/shared/health-view.ts'

/** The load that a gateway reports in its health document. */
export async function readLoad({ url }: { readonly url: string }): Promise<HealthView['load']> {
  const response = await fetch(new URL('/health/', url))
  return ((await response.json()) as HealthView).load
}
