import { describeOperations } from '@pixelflow/core/operations/index'
import { requireScope, type Principal } from '@pixelflow/core/principal'

/** The catalogue of operations with their schemas; created once. */
export function listOperations() {
  const described = describeOperations()
  return (who: Principal): ReturnType<typeof describeOperations> => {
    requireScope(who, 'tasks:read')
    return described
  }
}
