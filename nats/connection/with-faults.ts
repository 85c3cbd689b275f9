import { faultOf } from './fault-of.ts'

/** Waits for an exchange with the broker. @throws Fault the public one, when it fails. */
export async function withFaults<T>(exchange: Promise<T>): Promise<T> {
  try {
    return await exchange
  } catch (thrown) {
    throw faultOf(thrown)
  }
}
