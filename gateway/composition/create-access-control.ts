import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { createAuthenticator, type Authenticator } from '../accounts/authenticator.ts'
import type { GatewayConfig } from '../config.ts'
import { createRefusalBudget, type RefusalBudget } from '../limits/refusal-budget.ts'
import { createRequestMemory, type RequestMemory } from '../limits/request-memory.ts'

export interface AccessControl {
  readonly authenticator: Authenticator
  readonly memory: RequestMemory
  readonly refusalBudget: RefusalBudget
  /** Pages of other origins that may call. */
  readonly corsOrigins: ReadonlySet<string>
}

/** Who may call, and how much memory the requests of one caller may hold. */
export function createAccessControl(config: GatewayConfig, log: Logger): AccessControl {
  const corsOrigins = new Set(config.corsOrigins.map((origin) => origin.toLowerCase()))
  const authenticator = createAuthenticator(config.apiTokens, config.tls?.clientAuth, corsOrigins)
  const memory = createRequestMemory({
    totalBytes: config.requestMemoryBytes,
    // Without credentials all callers are one account.
    perAccountBytes:
      authenticator.auth === 'none' ? config.requestMemoryBytes : config.requestMemoryPerAccountBytes,
    perPeerBytes: config.requestMemoryPerPeerBytes,
  })
  const refusalBudget = createRefusalBudget({
    memory,
    onRefused: (share, count) => log.warn('calls refused on their headers', { share, count }),
  })
  return { authenticator, memory, refusalBudget, corsOrigins }
}
