import { status, type ServiceError } from '@grpc/grpc-js'
import { retry } from '@pixelflow/core/retry'
import config from '@pixelflow/proto/service-config.json'

/** Paths of the methods that the service config retries. */
const retriedMethods = new Set(
  config.methodConfig.flatMap(({ name }) => name.map((one) => `/${one.service}/${one.method}`)),
)

const maxTries = 3

/**
 * Repeats a unary call whose response was interrupted, for example because the gateway was killed while it answered. A
 * gRPC library retries only until a response begins (gRFC A6, "When Retries are Valid"); the methods that the service
 * config retries can be repeated later too.
 */
export function retryInterrupted<T>(path: string, call: (onResponse: () => void) => Promise<T>): Promise<T> {
  let hasResponse = false
  const attempt = () => {
    hasResponse = false
    return call(() => {
      hasResponse = true
    })
  }
  return retry(attempt, {
    timeoutMs: Number.POSITIVE_INFINITY,
    pauseMs: () => 0,
    isRetryable: (thrown, _pauseMs, tries) =>
      hasResponse &&
      tries < maxTries &&
      retriedMethods.has(path) &&
      (thrown as Partial<ServiceError>).code === status.UNAVAILABLE,
  })
}
