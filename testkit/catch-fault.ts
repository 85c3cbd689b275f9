import { Fault } from '@pixelflow/core/fault'

/** The fault that a promise rejects with. @throws Error when it resolves, or rejects with anything else. */
export async function catchFault(promise: Promise<unknown>): Promise<Fault> {
  const thrown = await promise.then(
    (value) => new Error(`expected a fault, but the promise resolved with ${JSON.stringify(value)}`),
    (error: unknown) => error,
  )
  if (thrown instanceof Fault) return thrown
  throw new Error(`expected a fault, got ${String(thrown)}`)
}
