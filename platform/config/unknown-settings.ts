import type { Environment } from './read-settings.ts'
import settingNames from './setting-names.json'

/** A variable that looks like a setting, and the setting that was probably meant. */
export interface UnknownSetting {
  readonly name: string
  readonly closest?: string
}

const prefix = 'PIXELFLOW_'
/** Variables of tests, which no table declares. */
const testPrefix = 'PIXELFLOW_TEST_'
/** Largest number of typing errors for which a setting is suggested. */
const maxDistance = 2

/**
 * Finds variables that begin like a setting and are not one, such as a misspelt name. A process compares with the settings
 * of all packages, because `./pixelflow up` passes the same environment to every process.
 */
export function unknownSettings(
  env: Environment,
  known: readonly string[] = settingNames.names,
): UnknownSetting[] {
  return Object.keys(env)
    .filter((name) => name.startsWith(prefix) && !name.startsWith(testPrefix) && !known.includes(name))
    .map((name) => {
      const closest = closestTo(name, known)
      return closest === undefined ? { name } : { name, closest }
    })
}

function closestTo(name: string, known: readonly string[]): string | undefined {
  let closest: { readonly name: string; readonly distance: number } | undefined
  for (const one of known) {
    const distance = editDistance(name, one)
    if (distance <= maxDistance && distance < (closest?.distance ?? Infinity))
      closest = { name: one, distance }
  }
  return closest?.name
}

/** Levenshtein distance: the least number of characters to insert, delete or replace. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(replaced, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    previous = row
  }
  return previous[b.length] ?? 0
}
