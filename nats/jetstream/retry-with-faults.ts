import { withFaults } from '../connection/with-faults.ts'
import { retryUnreachable, type RetryUnreachableOptions } from './retry-unreachable.ts'

/** Retries like `retryUnreachable`. @throws Fault the public one, when it gives up. */
export function retryWithFaults<T>(
  operation: (tries: number) => Promise<T>,
  options?: RetryUnreachableOptions,
): Promise<T> {
  return withFaults(retryUnreachable(operation, options))
}
