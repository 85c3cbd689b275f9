import type { ServedSessions, SessionHost } from '@pixelflow/core/ports/sessions'
import { sessionKinds } from '../kinds/index.ts'
import type { KindContext, SessionKind } from '../kinds/job-kind.ts'
import type { Sandbox } from '../sandbox/sandbox.ts'

/** The live sessions of one kind. */
export interface HostedKind extends Pick<SessionKind, 'kind' | 'finishesOnDrain'> {
  readonly sessions: ServedSessions
}

/** The live sessions of an actor. Disposing ends them. */
export interface HostedSessions extends AsyncDisposable {
  readonly kinds: readonly HostedKind[]
}

/** Serves all kinds of live work in a sandbox; none without a sandbox. */
export function serveSessions(
  host: SessionHost,
  context: Omit<KindContext, 'sandbox'>,
  sandbox: Sandbox | undefined,
): HostedSessions {
  const scope = new AsyncDisposableStack()
  const kinds =
    sandbox === undefined
      ? []
      : sessionKinds.map(({ kind, finishesOnDrain, host: createHandler }) => {
          const handler = createHandler({ ...context, sandbox })
          return { kind, finishesOnDrain, sessions: scope.use(host.serve(kind, handler)) }
        })
  return { kinds, [Symbol.asyncDispose]: () => scope.disposeAsync() }
}
