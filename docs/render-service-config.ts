import * as calls from '@pixelflow/gateway/calls/calls.gen'
import type { CallDeclaration } from '@pixelflow/gateway/calls/declare-call'

/**
 * `proto/service-config.json`, which every gRPC client loads: calls are balanced, and those that create nothing are retried
 * while a server is unavailable. See https://grpc.io/docs/guides/service-config/ and /retry/.
 */
export function renderServiceConfig(): string {
  const repeatable = (Object.values(calls) as CallDeclaration[]).flatMap(({ kind, rpc, creates }) => {
    const isRead = rpc?.methodKind === (kind === 'unary' ? 'unary' : 'server_streaming')
    return rpc && isRead && creates === undefined ? [rpc] : []
  })
  const names = repeatable.map(
    ({ parent, name }) => `        { "service": "${parent.typeName}", "method": "${name}" }`,
  )
  return `{
  "loadBalancingConfig": [{ "round_robin": {} }],
  "methodConfig": [
    {
      "name": [
${names.join(',\n')}
      ],
      "retryPolicy": {
        "maxAttempts": 4,
        "initialBackoff": "0.2s",
        "maxBackoff": "3s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"]
      }
    }
  ],
  "retryThrottling": { "maxTokens": 20, "tokenRatio": 0.2 }
}
`
}
