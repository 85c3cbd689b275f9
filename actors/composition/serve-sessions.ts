import { liveKinds, type LiveKind } from '@pixelflow/core/actor-kinds'
import type { ServedSessions, SessionHost } from '@pixelflow/core/ports/sessions'
import { kinds } from '../kinds/kinds.gen.ts'
import type { KindContext, KindWithSessions } from '../kinds/kind.ts'
import type { Sandbox } from '../sandbox/sandbox.ts'

/** The live sessions of one kind. */
export interface HostedKind extends Pick<KindWithSessions, 'finishesOnDrain'> {
  readonly kind: LiveKind
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
  const hosted =
    sandbox === undefined
      ? []
      : liveKinds.map((kind) => {
          const { finishesOnDrain, createSessionHandler } = kinds[kind]
          const handler = createSessionHandler({ ...context, sandbox })
          return { kind, finishesOnDrain, sessions: scope.use(host.serve(kind, handler)) }
        })
  return { kinds: hosted, [Symbol.asyncDispose]: () => scope.disposeAsync() }
}
