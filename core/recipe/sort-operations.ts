import { operationName } from './create-catalogue.ts'
import { sections, type Operation } from './operation.ts'

const places: readonly Operation['place'][] = ['first', 'any', 'last']

/**
 * Sorts operations for lists and the documentation: by place, then by section, then by the order within the section,
 * then by name. Every operation states its own sort keys, and two operations may have equal ones.
 */
export function sortOperations<Op extends Operation>(operations: readonly Op[]): readonly Op[] {
  return operations.toSorted((one, other) => {
    const [keys, others] = [sortKeysOf(one), sortKeysOf(other)]
    const difference = keys.map((key, i) => compare(key, others[i] ?? 0)).find((result) => result !== 0)
    return difference ?? compare(operationName(one), operationName(other))
  })
}

function sortKeysOf(operation: Operation): readonly number[] {
  const place = places.indexOf(operation.place)
  if (operation.place !== 'any') return [place]
  return [place, sections.indexOf(operation.section), operation.order ?? Number.POSITIVE_INFINITY]
}

/** Numbers by value, text by its code units, which does not depend on the locale of the machine. */
function compare<T extends number | string>(one: T, other: T): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}
