import { Fault } from '../fault.ts'

/** Runs `act`. Prefixes the field of a fault that it throws with `field`, the path of a step. */
export function locateFaults<T>(field: string, act: () => T): T {
  try {
    return act()
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown
    const { code, message, hints } = thrown
    const path = [field, hints.field].filter((part) => part !== undefined && part !== '').join('.')
    throw new Fault(code, message, { ...hints, ...(path === '' ? {} : { field: path }) })
  }
}
