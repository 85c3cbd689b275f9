import { Fault } from './fault.ts'
import { describedPattern } from './validation/described-pattern.ts'

/** An account id: safe as a NATS subject token, a KV key token, a path segment and a log field. */
export const accountId = describedPattern(
  /^[a-z0-9_-]{1,64}$/,
  'an account id (1 to 64 of a-z, 0-9, _ and -)',
)

export const scopes = ['images:read', 'images:write', 'tasks:read', 'tasks:write'] as const
/** The scope of operators, over all accounts. It is never granted by default. */
export const adminScope = 'admin'
export type Scope = (typeof scopes)[number] | typeof adminScope

/** The authenticated caller. Every image, task, event and object belongs to an account. */
export interface Principal {
  readonly account: string
  readonly scopes: ReadonlySet<Scope>
}

/** The account of callers on the loopback address of a server without authentication. */
export const localAccount = 'local'

export function createPrincipal(account: string, granted: Iterable<Scope> = scopes): Principal {
  return { account: accountId.parse(account), scopes: new Set(granted) }
}

/** @throws Fault `forbidden` when the principal lacks the scope. */
export function requireScope(who: Principal, scope: Scope): void {
  if (who.scopes.has(scope)) return
  throw new Fault('forbidden', `The credentials lack the scope ${scope}.`, {
    remedy: `Use a token with the scope ${scope}.`,
  })
}
